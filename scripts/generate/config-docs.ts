import * as z from "zod";
import { stackConfig } from "../../stacks/config/schema.ts";
import { forEditors, type Schema } from "./editor-schema.ts";

/** The part of JSON Schema that our config schema uses. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | false;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** The files that `npm run schema` writes, by path from the project's root. They are the same on every machine. */
export function generateConfigDocs(): Readonly<Record<string, string>> {
  // Editors' YAML support works best with draft 7.
  const schema: Schema = { ...z.toJSONSchema(stackConfig, { io: "input", target: "draft-7" }) };
  return {
    "config/schema.json": `${JSON.stringify(forEditors(schema), null, 2)}\n`,
    "docs/config-reference.md": renderReference(schema as JsonSchema),
  };
}

function renderReference(schema: JsonSchema): string {
  return [
    "# Config reference",
    "",
    "Generated from `stacks/config` by `npm run schema`; do not edit.",
    "",
    "One file in `config/` is one stack. A key without default may be left out unless it is **required**.",
    "Inside lists, `[]` stands for each item.",
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
  const cells = [code(path), typeOf(schema), required ? "**required**" : value, form + prose(schema.description ?? "")];
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

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  const forms = formsOf(schema);
  if (forms.length > 0) return [...new Set(forms.map(typeOf))].join(" or ");
  switch (schema.type) {
    case "integer":
      return `whole number, ${schema.minimum} to ${schema.maximum}`;
    case "boolean":
      return "`true`, `false`";
    case "array":
      return `list of ${schema.items ? typeOf(schema.items) : "anything"}`;
    case "object":
      return schema.additionalProperties && !schema.properties ? "mapping of names to text" : "mapping";
    default:
      return "text";
  }
}

function formsOf(schema: JsonSchema): readonly JsonSchema[] {
  return schema.oneOf ?? schema.anyOf ?? [];
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
