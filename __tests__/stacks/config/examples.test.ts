import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { loadStacks } from "../../../stacks/config/load.ts";
import { stackConfig } from "../../../stacks/config/schema.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const files = readdirSync(`${root}/config`).filter((name) => name.endsWith(".yaml"));
const textOf = (file: string) => readFileSync(`${root}/config/${file}`, "utf8");

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

  it.each(stackConfig.options)("show every key of a kind, some in comments ($shape.kind.value)", (schema) => {
    // What `network.create` may hold is shown once, by the network.
    const kinds = [schema.shape.kind.value, "network"];
    const texts = files.map(textOf).filter((text) => kinds.some((kind) => text.includes(`\nkind: ${kind}\n`)));
    const text = texts.join("\n");
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
