import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { keysOfSchema, keysOfYaml, uncommented } from "../../../scripts/generate/shown-keys.ts";
import { commonFields } from "../../../stacks/config/common.ts";
import { fleetFields } from "../../../stacks/config/fleet.ts";
import { loadStacks } from "../../../stacks/config/load.ts";
import { stackConfig } from "../../../stacks/config/schema.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const files = readdirSync(`${root}/config`).filter((name) => name.endsWith(".yaml"));
const textOf = (file: string) => readFileSync(`${root}/config/${file}`, "utf8");
const isRightForEditors = new Ajv({ allErrors: true, validateFormats: false }).compile(
  JSON.parse(textOf("schema.json")),
);
const findings = (config: unknown) => {
  isRightForEditors(config);
  return isRightForEditors.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`) ?? [];
};

/** What `network.create` holds is what a network holds, and all secrets have the same forms. */
const alike = (key: string) => key.replace(/^network\.create\./, "").replace(/^secrets\.\w+\./, "secrets.*.");

describe("the shipped configs", () => {
  it("load without errors or warnings", () => {
    const { stacks, warnings } = loadStacks({ cwd: root, env: {} });
    expect(stacks.map(({ file }) => file)).toEqual(files.map((file) => `config/${file}`).sort());
    expect(warnings).toEqual([]);
  });

  it.each(files)("%s tells editors its schema", (file) => {
    expect(textOf(file).split("\n")[0], `the first line of config/${file} must name the schema`).toBe(
      "# yaml-language-server: $schema=schema.json",
    );
  });

  it.each(files)("%s is right in the eyes of an editor", (file) => {
    expect(findings(parse(textOf(file)))).toEqual([]);
  });

  it("have faults at their keys in the eyes of an editor", () => {
    const config = parse(textOf("hcp-minimal.yaml"));
    const at = (path: string) => expect.stringContaining(path);
    expect(findings({ ...config, kind: "ec3-fleet" })).toEqual([
      at("/kind must be equal to one of the allowed values"),
    ]);
    expect(findings({ ...config, agents: { max: -1 } })).toContainEqual(at("/agents/max must be >= 0"));
    expect(findings({ ...config, vendor: { ...config.vendor, demand: "guess" } })).toContainEqual(at("/vendor/demand"));
    expect(findings({ ...config, vendor: { type: "jenkins" } })).toEqual([
      at("/vendor/type must be equal to one of the allowed values"),
      at(' must match "then" schema'),
    ]);
    const launcher = parse(textOf("spacelift-amd64.yaml"));
    const secureEnvironment = { IFS: { arn: "arn:aws:ssm:eu-west-1:123456789012:parameter/a" } };
    expect(findings({ ...launcher, vendor: { ...launcher.vendor, secureEnvironment } })).toContainEqual(
      at("/vendor/secureEnvironment property name must be valid"),
    );
  });

  const shown = files.map((file) => {
    const text = uncommented(textOf(file));
    return { file, kind: String(parse(textOf(file)).kind), keys: keysOfYaml(text) };
  });
  const everywhere = new Set(shown.flatMap(({ keys }) => [...keys]).map(alike));
  /** What these keys hold is shown once, whatever the kind. */
  const common = Object.keys({ ...commonFields, ...fleetFields });

  it.each(stackConfig.options)("show every key of a kind, some in comments ($shape.kind.value)", (schema) => {
    const kind = schema.shape.kind.value;
    const own = new Set(shown.filter((each) => each.kind === kind).flatMap(({ keys }) => [...keys]));
    const missing = [...keysOfSchema(z.toJSONSchema(schema, { io: "input" })).keys].filter((key) => {
      const isCommon = alike(key) !== key || common.some((each) => key === each || key.startsWith(`${each}.`));
      return !(isCommon ? everywhere.has(alike(key)) : own.has(key));
    });
    const hint = `show these keys, at least in a comment, in a config/*-full.yaml of kind ${kind}`;
    expect(missing, hint).toEqual([]);
  });

  it.each(shown)("have no key in a comment that there is not: $file", ({ file, kind, keys }) => {
    const schema = stackConfig.options.find(({ shape }) => shape.kind.value === kind);
    const known = keysOfSchema(z.toJSONSchema(schema ?? stackConfig, { io: "input" }));
    const isFree = (key: string) => [...known.free].some((path) => key.startsWith(`${path}.`));
    const unknown = [...keys].filter((key) => !known.keys.has(key) && !isFree(key));
    expect(unknown, `take these keys out of config/${file}, or add them to the schema in stacks/config`).toEqual([]);
  });
});

describe("the keys of an example", () => {
  it("are those of lines that are commented out, too, but of no other comment", () => {
    const text = [
      "a: 1 # c: 2",
      "# b:",
      "#   - { c: 1 }",
      "d:",
      "  # e: 1",
      "# Note: this is prose: not YAML",
      "# x y",
    ];
    expect([...keysOfYaml(uncommented(text.join("\n")))]).toEqual(["a", "b", "b[].c", "d", "d.e"]);
  });

  it("are told from keys of the same name elsewhere", () => {
    const { keys, free } = keysOfSchema({
      properties: { a: { anyOf: [{ properties: { b: {} } }, { items: { properties: { b: {} } } }] } },
    });
    expect([[...keys], [...free]]).toEqual([["a", "a.b", "a[].b"], []]);
  });
});
