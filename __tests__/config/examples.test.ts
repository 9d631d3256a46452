import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { loadStacks } from "../../stacks/config/load.ts";
import { stackConfig } from "../../stacks/config/schema.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = readdirSync(`${root}/config`).filter((name) => name.endsWith(".yaml"));
const textOf = (file: string) => readFileSync(`${root}/config/${file}`, "utf8");

/** The file that shows every key of a kind. */
const fullOf = { "ecs-fleet": "hcp-full.yaml", "ecs-cluster": "cluster-full.yaml", network: "network-full.yaml" };

describe("the shipped configs", () => {
  it("load without errors or warnings", () => {
    const { stacks, warnings } = loadStacks({ cwd: root, env: {} });
    expect(stacks.map(({ file }) => file)).toEqual(files.map((file) => `config/${file}`).sort());
    expect(warnings).toEqual([]);
  });

  it.each(files)("%s tells editors its schema", (file) => {
    expect(textOf(file).split("\n")[0]).toBe("# yaml-language-server: $schema=schema.json");
  });

  it.each(files)("%s is right in the eyes of an editor", (file) => {
    const schema = z.fromJSONSchema(JSON.parse(textOf("schema.json")));
    expect(schema.safeParse(parse(textOf(file))).error).toBeUndefined();
  });

  it("have a minimal one of twelve lines at most", () => {
    expect(textOf("hcp-minimal.yaml").trimEnd().split("\n").length).toBeLessThanOrEqual(12);
  });

  it.each(stackConfig.options)("have a full one of each kind that shows every key", (schema) => {
    // What `network.create` may hold is shown once, by the network.
    const text = textOf(fullOf[schema.shape.kind.value]) + textOf(fullOf.network);
    const missing = keysOf(z.toJSONSchema(schema, { io: "input" })).filter((key) => !text.includes(`${key}:`));
    expect(missing).toEqual([]);
  });
});

/** Every key that a JSON schema knows, at any depth. */
function keysOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, value]) =>
    name === "properties" ? [...Object.keys(value), ...Object.values(value).flatMap(keysOf)] : keysOf(value),
  );
}
