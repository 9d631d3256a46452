import { isMap, isScalar, isSeq, parseDocument } from "yaml";

/** Paths of keys such as `pools[].compute.cpu`, and of mappings whose keys are free, such as `tags`. */
export interface KnownKeys {
  readonly keys: ReadonlySet<string>;
  readonly free: ReadonlySet<string>;
}

/** Every key that a JSON schema knows, at any depth, whichever of its forms knows it. */
export function keysOfSchema(schema: unknown): KnownKeys {
  const known = { keys: new Set<string>(), free: new Set<string>() };
  const walk = (node: unknown, path: string): void => {
    if (!isObject(node)) return;
    for (const form of [node.anyOf, node.oneOf, node.allOf].flat()) walk(form, path);
    walk(node.items, `${path}[]`);
    if (isObject(node.additionalProperties)) known.free.add(path);
    for (const [name, value] of Object.entries(isObject(node.properties) ? node.properties : {})) {
      known.keys.add(below(path, name));
      walk(value, below(path, name));
    }
  };
  walk(schema, "");
  return known;
}

/** Every key that a YAML text has, at any depth, as often as it has it; those of {@link uncommented} text among them. */
export function keysOfYaml(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  const walk = (node: unknown, path: string): void => {
    if (isSeq(node)) for (const item of node.items) walk(item, `${path}[]`);
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      const name = below(path, isScalar(key) ? String(key.value) : "");
      keys.add(name);
      walk(value, name);
    }
  };
  walk(parse(text).contents, "");
  return keys;
}

/** The text with those of its comments as keys that are some: whole lines, each if the text stays YAML with it. */
export function uncommented(text: string): string {
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const [, indent = "", rest] = /^( *)# ((?: *- | *)[{\w].*)$/.exec(line) ?? [];
    if (rest === undefined || !/^(?: *- \{| *(?:- )?\w+:(?: |$))/.test(rest) || rest.includes("$schema")) continue;
    lines[index] = indent + rest;
    if (parse(lines.join("\n")).errors.length > 0) lines[index] = line;
  }
  return lines.join("\n");
}

/** A key may come twice: what is uncommented is often another form of what stands above it. */
const parse = (text: string) => parseDocument(text, { uniqueKeys: false });

const below = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
