import { stringify } from "yaml";
import * as z from "zod";
import { stackConfig } from "../../stacks/config/schema.ts";
import { forEditors } from "./editor-schema.ts";
import { withExamples } from "./examples.ts";
import { formsOf, type JsonSchema } from "./json-schema.ts";

/** The files that `npm run schema` writes, by path from the project's root. They are the same on every machine. */
export function generateConfigDocs(): Readonly<Record<string, string>> {
  // Editors' YAML support works best with draft 7.
  const schema = withExamples(z.toJSONSchema(stackConfig, { io: "input", target: "draft-7" }) as JsonSchema);
  return {
    "config/schema.json": `${JSON.stringify(forEditors({ ...schema }), null, 2)}\n`,
    "docs/config-reference.md": renderReference(schema),
  };
}

function renderReference(schema: JsonSchema): string {
  return [
    "# Config reference",
    "",
    "Generated from `stacks/config` by `npm run schema`; do not edit.",
    "",
    "One file in `config/` is one stack. A key without default may be left out unless it is **required**.",
    "Inside lists, `[]` stands for each item. Examples are from the files in `config/`, which show each key among others.",
    "Long mappings have none: see their keys.",
    ...formsOf(schema).flatMap(renderKind),
    "",
  ].join("\n");
}

function renderKind(kind: JsonSchema): string[] {
  const entries = Object.entries(kind.properties ?? {});
  const isGroup = ([, property]: [string, JsonSchema]) =>
    property.type === "object" || property.type === "array" || formsOf(property).length > 0;
  const plain = entries.filter((entry) => !isGroup(entry));
  return [
    "",
    `## kind: ${String(kind.properties?.kind?.const)}`,
    "",
    kind.properties?.kind?.description ?? "",
    ...table(plain.flatMap(([name, property]) => rows(name, property, isRequired(kind, name)))),
    ...entries.filter(isGroup).flatMap(([name, property]) => ["", `### ${name}`, ...renderGroup(name, property, kind)]),
  ];
}

function renderGroup(name: string, group: JsonSchema, kind: JsonSchema): string[] {
  const [self, ...inner] = rows(name, group, isRequired(kind, name));
  const note = isRequired(kind, name) ? " **Required.**" : "";
  const flat = inner.length === 0 && self !== undefined;
  return ["", `${group.description ?? ""}${note}`, ...table(flat ? [self] : inner)];
}

function table(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", "| Key | Type | Default | Description |", "|---|---|---|---|", ...lines];
}

/** One line for a key, and one for each key under it. */
function rows(path: string, schema: JsonSchema, required: boolean, form = ""): string[] {
  const value = schema.default === undefined || isMapping(schema.default) ? "" : code(JSON.stringify(schema.default));
  const usual = required ? "**required**" : value;
  const meaning = form + prose(schema.description ?? "") + exampleOf(schema);
  const cells = [code(path), typeOf(schema, path), usual, meaning];
  return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`, ...rowsUnder(path, schema)];
}

function rowsUnder(path: string, schema: JsonSchema): string[] {
  const forms = formsOf(schema).filter((each) => each.properties);
  if (schema.items) return rowsUnder(`${path}[]`, schema.items);
  if (forms.length > 1) return forms.flatMap((form, index) => properties(path, form, `${nameOf(form, index)}: `));
  return properties(path, forms[0] ?? schema, "");
}

function properties(path: string, schema: JsonSchema, form: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    rows(`${path}.${name}`, property, isRequired(schema, name), form),
  );
}

/** Names a form by its constant, such as `type: s3`, or by its number. */
function nameOf(form: JsonSchema, index: number): string {
  const constant = Object.entries(form.properties ?? {}).find(([, { const: value }]) => value !== undefined);
  return constant ? code(`${constant[0]}: ${String(constant[1].const)}`) : `Form ${index + 1}`;
}

/** As YAML, so that a reader can copy it. On a line of its own: a fifth column would not fit on the site. */
function exampleOf({ examples = [] }: JsonSchema): string {
  const [example] = examples;
  if (example === undefined) return "";
  const text = stringify(example, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 });
  return `<br>Example: ${code(text.trim())}`;
}

/** Names of keys say their units: what they count, and how readers call it. */
const units: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/Seconds$/, "seconds"],
  [/Minutes$/, "minutes"],
  [/Days$/, "days"],
  [/MiB$/, "MiB"],
  [/GiB$/, "GiB"],
  [/Percent$/, "percent"],
  [/PerSecond$/, "per second"],
  [/\.cpu$/, "CPU units, 1024 of which are a vCPU"],
];

function typeOf(schema: JsonSchema, path = ""): string {
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  const forms = formsOf(schema);
  if (forms.length > 0) return [...new Set(forms.map((form) => typeOf(form, path)))].join(" or ");
  switch (schema.type) {
    case "integer":
      return `whole number${unitOf(path)}, ${schema.minimum} to ${schema.maximum}`;
    case "boolean":
      return "`true`, `false`";
    case "array":
      return `list of ${schema.items ? typeOf(schema.items, path) : "anything"}`;
    case "object":
      if (!schema.additionalProperties || schema.properties) return "mapping";
      return `mapping of names to ${typeOf(schema.additionalProperties)}`;
    default:
      return "text";
  }
}

function unitOf(path: string): string {
  const unit = units.find(([ending]) => ending.test(path))?.[1];
  return unit === undefined ? "" : ` (${unit})`;
}

function isRequired(parent: JsonSchema, name: string): boolean {
  return parent.required?.includes(name) ?? false;
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && !Array.isArray(value);
}

/** Text with its placeholders, which Markdown would take for HTML outside of code. */
function prose(text: string): string {
  return text.replaceAll(/<(?=\w)(?=[^`]*(?:`[^`]*`[^`]*)*$)/g, "&lt;");
}

function code(text: string): string {
  return `\`${text}\``;
}
