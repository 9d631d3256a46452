import * as z from "zod";
import { stackConfig } from "../../stacks/config/schema.ts";

/** Where a value stands in a config: keys, and indexes of lists. */
export type LeafPath = readonly (string | number)[];

/** One value of a config that is neither a mapping nor a list. */
export interface Leaf {
  readonly path: LeafPath;
  readonly value: unknown;
}

/** The leaves of what a YAML file says. */
export function leavesOf(value: unknown, path: LeafPath = []): Leaf[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** A leaf's place as a reader says it, such as `pools[].name`. */
export function nameOf(path: LeafPath): string {
  return path
    .map((step) => (typeof step === "number" ? "[]" : `.${step}`))
    .join("")
    .slice(1);
}

/** In place of a value: the key, or the item of a list, is left out. */
export const leftOut = Symbol("left out");

/** A copy of the config in which this value stands at the path. */
export function withLeaf(config: unknown, [step, ...rest]: LeafPath, value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(config)) {
    return config.flatMap((item, index) => {
      const changed = index === step ? withLeaf(item, rest, value) : item;
      return changed === leftOut ? [] : [changed];
    });
  }
  const { [step]: inner, ...others } = (config ?? {}) as Readonly<Record<string, unknown>>;
  const changed = withLeaf(inner, rest, value);
  return changed === leftOut ? others : { ...others, [step]: changed };
}

interface JsonSchema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

const schema = z.toJSONSchema(stackConfig, { io: "input" }) as JsonSchema;

/** The schemas of a place: one for each form that a value may have there. */
function schemasAt(path: LeafPath): readonly JsonSchema[] {
  const forms = (each: JsonSchema): readonly JsonSchema[] => [
    each,
    ...[each.anyOf, each.oneOf].flat().flatMap((form) => (form ? forms(form) : [])),
  ];
  return path.reduce<readonly JsonSchema[]>(
    (all, step) =>
      all
        .flatMap(
          (each) =>
            (typeof step === "number" ? each.items : (each.properties?.[step] ?? each.additionalProperties)) || [],
        )
        .flatMap(forms),
    forms(schema),
  );
}

/** Whether a value says which form the mapping around it has, such as `backend.type`: it never changes alone. */
export function saysForm({ path }: Leaf): boolean {
  return schemasAt(path).some((each) => typeof each.const === "string");
}

/** Other values that may be valid in place of a leaf's, the likeliest first. */
export function othersThan({ path, value }: Leaf): readonly unknown[] {
  const known = schemasAt(path);
  if (typeof value === "boolean") return [!value, leftOut];
  const choices = known.flatMap((each) => each.enum ?? []).filter((other) => other !== value);
  if (typeof value === "string") return [...choices, ...editsOf(value), leftOut];
  if (typeof value !== "number") return [leftOut];
  const limits = known.flatMap(({ minimum, maximum }) => [minimum, maximum]).filter((limit) => limit !== undefined);
  const near = [value + 1, value - 1, value * 2, Math.floor(value / 2), ...limits];
  return [...choices, ...near.filter((other) => other !== value), leftOut];
}

/** The text with one more character, or with one character replaced, from the end on. */
function editsOf(text: string): string[] {
  const replaced = [...text.matchAll(/[a-z0-9]/gi)].reverse().map(({ 0: character, index }) => {
    const other = { "9": "8", z: "y", Z: "Y" }[character] ?? String.fromCharCode(character.charCodeAt(0) + 1);
    return text.slice(0, index) + other + text.slice(index + 1);
  });
  return [`${text}x`, `${text}2`, ...replaced];
}
