import { readFileSync } from "node:fs";
import { type Document, isMap, isScalar, isSeq, parseDocument } from "yaml";
import { formsOf, type JsonSchema } from "./json-schema.ts";
import { uncommented } from "./shown-keys.ts";

/** The shipped configs that show keys, the fullest first. Files that users add beside them are no source. */
const files = [
  "hcp-full",
  "azure-devops-full",
  "hcp-cloud",
  "semaphore-full",
  "spacelift-spot",
  "spacelift-autoscaler",
  "spacelift-byo-secrets",
  "spacelift-custom-role",
  "spacelift-self-hosted",
  "cluster-full",
  "network-full",
  "machine-image-semaphore",
  "hcp-on-shared-network",
];

/** Of keys that the shipped configs leave for the reader to fill in: the digest of nothing. */
const ownExamples: Readonly<Record<string, unknown>> = {
  sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

/**
 * The schema with an example at every key: the value that a shipped config gives it, in use or in a comment. A key
 * that none gives gets the example of the same key elsewhere; a choice, one that is not its default. Mappings of keys
 * get one only if it is short: their keys have theirs.
 *
 * @throws Error naming the keys that have no example: show them in a `config/*-full.yaml`
 */
export function withExamples(schema: JsonSchema): JsonSchema {
  const found = new Map<JsonSchema, unknown>();
  const texts = files.map((name) => readFileSync(new URL(`../../config/${name}.yaml`, import.meta.url), "utf8"));
  for (const text of [...texts, ...texts.map(uncommented)]) {
    const document = parseDocument(text, { uniqueKeys: false });
    collect(schema, document, document.contents, found);
  }
  return placed(schema, examplesOf(schema, found));
}

/** Remembers the first value of each key, whichever form of its schema fits. */
function collect(schema: JsonSchema, document: Document, node: unknown, found: Map<JsonSchema, unknown>): void {
  for (const form of formsOf(schema)) if (fits(form, node)) collect(form, document, node, found);
  if (isSeq(node)) for (const item of node.items) collect(schema.items ?? {}, document, item, found);
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      const inner = schema.properties?.[String(isScalar(key) ? key.value : key)] ?? schema.additionalProperties;
      if (inner) collect(inner, document, value, found);
    }
  }
  if (found.has(schema) || !(isSeq(node) || isMap(node) || isScalar(node))) return;
  const value: unknown = node.toJS(document);
  // Comments show what a reader fills in as … or <…>.
  if (value !== null && !/…|"</.test(JSON.stringify(value))) found.set(schema, value);
}

/** Whether a value may be of this form: by its type, and by a constant such as `type: s3`. */
function fits(form: JsonSchema, node: unknown): boolean {
  if (formsOf(form).length > 0) return formsOf(form).some((each) => fits(each, node));
  if (isSeq(node)) return form.type === "array";
  if (isScalar(node)) {
    const { value } = node;
    if (form.const !== undefined) return form.const === value;
    return form.enum?.includes(value) ?? (form.type === "integer" ? "number" : form.type) === typeof value;
  }
  if (!isMap(node) || form.type !== "object") return false;
  const entries = node.items.map(({ key, value }) => [String(isScalar(key) ? key.value : key), value] as const);
  const isKnown = ([key]: (typeof entries)[number]) => form.properties === undefined || key in form.properties;
  return (
    // Comments show keys of several forms beside each other.
    entries.some(isKnown) &&
    Object.entries(form.properties ?? {}).every(([key, { const: constant }]) => {
      const values = entries.filter(([name]) => name === key).map(([, value]) => isScalar(value) && value.value);
      return constant === undefined || values.length === 0 || values.includes(constant);
    })
  );
}

/** One example for the schema of each key, where it needs one or has a short one. */
function examplesOf(schema: JsonSchema, found: ReadonlyMap<JsonSchema, unknown>): ReadonlyMap<JsonSchema, unknown> {
  const keys = keysIn(schema, "");
  const alike = new Map(
    keys.toReversed().flatMap(({ name, key }) => (found.has(key) ? [[textOf(name, key), found.get(key)]] : [])),
  );
  const examples = keys.map((each) => {
    const { name, key, isGroup } = each;
    const example = found.get(key) ?? alike.get(textOf(name, key));
    if (isGroup) return [key, isShort(example) ? example : undefined] as const;
    return [key, example ?? ownExamples[name] ?? choiceOf(key)] as const;
  });
  const missing = keys.filter(({ isGroup }, index) => !isGroup && examples[index]?.[1] === undefined);
  if (missing.length > 0) {
    throw new Error(`no shipped config shows an example of ${missing.map(({ path }) => path.slice(1)).join(", ")}`);
  }
  return new Map(examples.filter(([, example]) => example !== undefined));
}

/** Groups that are longer show their keys better. */
const isShort = (example: unknown) => JSON.stringify(example ?? "").length <= 80;

/** The same text for a key that is the same elsewhere. */
const textOf = (name: string, key: JsonSchema) => `${name} ${JSON.stringify(key)}`;

function choiceOf({ const: constant, enum: choices, type, default: usual }: JsonSchema): unknown {
  if (constant !== undefined) return constant;
  return type === "boolean" ? usual !== true : choices?.find((choice) => choice !== usual);
}

interface Key {
  readonly path: string;
  readonly name: string;
  readonly key: JsonSchema;
  /** Whether keys of their own are below it. */
  readonly isGroup: boolean;
}

/** All keys below a schema. */
function keysIn(schema: JsonSchema, path: string): Key[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, key]) => {
    const inner = keysIn(key, `${path}.${name}`);
    return [{ path: `${path}.${name}`, name, key, isGroup: inner.length > 0 }, ...inner];
  });
  const parts = [...formsOf(schema), schema.items, schema.additionalProperties];
  return [...below, ...parts.flatMap((part) => (part ? keysIn(part, path) : []))];
}

function placed(schema: JsonSchema, examples: ReadonlyMap<JsonSchema, unknown>): JsonSchema {
  const within = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(within);
    if (typeof value !== "object" || value === null) return value;
    const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, within(each)]));
    return examples.has(value) ? { ...inner, examples: [examples.get(value)] } : inner;
  };
  return within(schema) as JsonSchema;
}
