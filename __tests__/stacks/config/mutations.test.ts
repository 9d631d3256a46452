import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ConfigError } from "../../../stacks/config/errors.ts";
import { loadStacks } from "../../../stacks/config/load.ts";
import { folderWith } from "./files.ts";

const full = readFileSync(new URL("../../../config/hcp-full.yaml", import.meta.url), "utf8");
const cwd = folderWith({ "config/fleet.yaml": full });

/** The errors of a text; none where it loads. Anything but a ConfigError is thrown on. */
function errorsOf(text: string): readonly string[] {
  writeFileSync(join(cwd, "config/fleet.yaml"), text);
  try {
    loadStacks({ cwd, env: {} });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.errors;
    throw error;
  }
}

type Mapping = Record<string, unknown>;

/** Puts `value` at a place that `turns` choose. */
function mutate(node: unknown, turns: readonly number[], key: string, value: unknown): unknown {
  const [turn = 0, ...rest] = turns;
  if (typeof node !== "object" || node === null) return value;
  if (Array.isArray(node)) {
    return node.length === 0
      ? [value]
      : node.map((item, i) => (i === turn % node.length ? mutate(item, rest, key, value) : item));
  }
  const names = Object.keys(node);
  const name = names[turn % (names.length + 1)] ?? key;
  const inner: unknown = (node as Mapping)[name];
  return { ...node, [name]: rest.length === 0 ? value : mutate(inner, rest, key, value) };
}

const turns = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 });

describe("whatever stands in a config file", () => {
  it("wrong values and keys give nothing but lines with file and place", () => {
    fc.assert(
      fc.property(turns, fc.string(), fc.jsonValue({ maxDepth: 2 }), (path, key, value) => {
        const errors = errorsOf(stringify(mutate(parse(full), path, key, value)));
        for (const error of errors) expect(error).toMatch(/^config\/fleet\.yaml:\d+:\d+: \S/);
      }),
      { numRuns: 150 },
    );
  });

  it("broken text gives nothing but lines with file and place", () => {
    const noise = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom("\t", ":", "- ", "{", "]", "*a", "&a ", "!x ", "\n", "---\n", '"', "? "),
    );
    fc.assert(
      fc.property(fc.nat(full.length), fc.nat(20), noise, (start, length, inserted) => {
        const errors = errorsOf(full.slice(0, start) + inserted + full.slice(start + length));
        for (const error of errors) expect(error).toMatch(/^config\/fleet\.yaml:\d+:\d+: \S/);
      }),
      { numRuns: 150 },
    );
  });

  it("values under `secrets` are never repeated", () => {
    const form = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constant("canary-1"),
        fc.array(tie("any"), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom("arn", "variable", "version", "value", "agentToken", "canary-2"), tie("any"), {
          maxKeys: 3,
        }),
      ),
    })).any;
    fc.assert(
      fc.property(turns, form, (path, value) => {
        const config = parse(full) as Mapping;
        const secrets = path.length > 2 ? value : mutate(config.secrets, path, "canary-3", value);
        expect(errorsOf(stringify({ ...config, secrets })).join("\n")).not.toContain("canary");
      }),
      { numRuns: 150 },
    );
  });
});
