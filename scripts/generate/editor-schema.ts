/** A JSON Schema of draft 7, as zod writes it. */
export type Schema = { readonly [keyword: string]: unknown };

/**
 * The schema as editors and validators of other languages use it best. It accepts the same files:
 * - A choice by a constant, such as `kind` or `type`, becomes `if`/`then`, so a fault is reported at its key. With
 *   `oneOf`, validators only say that no form matches.
 * - A negative lookahead becomes `not`, because the regular expressions of Go and Rust have none
 *   (RE2's syntax: https://github.com/google/re2/wiki/Syntax).
 */
export function forEditors(schema: Schema): Schema {
  return withoutLookahead(withConditions(mapValues(schema, withinEditors)));
}

function withinEditors(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withinEditors);
  return isSchema(value) ? forEditors(value) : value;
}

function withConditions({ oneOf, ...rest }: Schema): Schema {
  const forms = Array.isArray(oneOf) ? oneOf.filter(isSchema) : [];
  const key = choosingKey(forms);
  if (key === undefined) return oneOf === undefined ? rest : { ...rest, oneOf };
  const isA = (form: Schema) => ({ properties: { [key]: { const: propertyOf(form, key).const } }, required: [key] });
  return {
    ...rest,
    type: "object",
    properties: { [key]: { enum: forms.map((form) => propertyOf(form, key).const) } },
    required: [key],
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    allOf: forms.map((form) => ({ if: isA(form), then: form })),
  };
}

/** The required key whose constants differ between all forms. */
function choosingKey(forms: readonly Schema[]): string | undefined {
  const [first] = forms;
  return Object.keys(isSchema(first?.properties) ? first.properties : {}).find((key) => {
    const constants = forms.map((form) => propertyOf(form, key).const);
    const isRequired = forms.every(({ required }) => Array.isArray(required) && required.includes(key));
    return isRequired && !constants.includes(undefined) && new Set(constants).size === forms.length;
  });
}

function propertyOf(form: Schema | undefined, key: string): Schema {
  const properties = isSchema(form?.properties) ? form.properties : {};
  return isSchema(properties[key]) ? properties[key] : {};
}

function withoutLookahead(schema: Schema): Schema {
  const [, excluded, pattern] =
    /^\^\(\?!((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)(.*)$/s.exec(String(schema.pattern)) ?? [];
  if (excluded === undefined) return schema;
  return { ...schema, pattern: `^${pattern}`, not: { pattern: `^(?:${excluded})` } };
}

/** Keywords that hold values of configs. */
const dataKeywords: readonly string[] = ["const", "default", "enum", "examples"];

function mapValues(schema: Schema, map: (value: unknown) => unknown): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, dataKeywords.includes(key) ? value : map(value)]),
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
