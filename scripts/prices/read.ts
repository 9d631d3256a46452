import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "../../stacks/config/errors.ts";
import { check } from "../../stacks/config/reading/explain.ts";
import { report, toFinding } from "../../stacks/config/reading/report.ts";
import { parseYaml } from "../../stacks/config/reading/yaml-tree.ts";
import { ownPrices, type Prices, pricesWith } from "./table.ts";

/**
 * Reads a file of one's own prices, YAML or JSON.
 *
 * @param path of the file
 * @param name the file's name in errors
 * @throws ConfigError with all that is wrong in it, each with its place
 */
export function readPrices(path: string, name: string): Prices {
  const tree = parseYaml(textOf(path, name));
  const checked = tree.usable ? check(ownPrices, tree.value) : { explanations: [] };
  const explanations = "explanations" in checked ? checked.explanations : [];
  const errors = report(name, tree, [...tree.findings, ...explanations.map((each) => toFinding(tree, each))]);
  if (errors.length > 0 || "explanations" in checked) throw new ConfigError(errors);
  return pricesWith(checked.value, basename(name));
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`${name}: cannot be read: ${(error as Error).message}`]);
  }
}
