import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressesOf, differences } from "./compare.ts";
import { copyOnFork, root, synthesize } from "./project.ts";

/** The result of {@link checkFork}. */
export interface ForkCheck {
  readonly stacks: number;
  /** Resources and data sources of all stacks. */
  readonly addresses: number;
  /** What differs, one line each. */
  readonly differences: readonly string[];
}

/**
 * Synthesizes every config with our packages and with the fork, which must be installed, and compares all files. Throws
 * if one of them cannot synthesize.
 */
export function checkFork(): ForkCheck {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-fork-"));
  try {
    const project = join(folder, "project");
    const [ours, theirs] = [join(folder, "ours"), join(folder, "theirs")];
    mkdirSync(project);
    copyOnFork(project);
    synthesize(root, ours);
    synthesize(project, theirs);
    return compare(ours, theirs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(ours: string, theirs: string): ForkCheck {
  const files = [...new Set([...filesIn(ours), ...filesIn(theirs)])].sort();
  const found = files.flatMap((file) => {
    const [one, other] = [read(ours, file), read(theirs, file)];
    if (one === undefined || other === undefined)
      return [`${file}: only ${one === undefined ? "the fork" : "cdktf"} writes it`];
    if (!file.endsWith(".json")) return one === other ? [] : [`${file}: differs`];
    return differences(JSON.parse(one), JSON.parse(other)).map((line) => `${file} ${line}`);
  });
  const stacks = files.filter((file) => file.endsWith("cdk.tf.json"));
  const addresses = stacks.flatMap((file) => addressesOf(JSON.parse(read(ours, file) ?? "{}")));
  return { stacks: stacks.length, addresses: addresses.length, differences: found };
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function read(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), "utf8");
  } catch {
    return undefined;
  }
}
