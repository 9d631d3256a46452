declare const escaped: unique symbol;

/**
 * Text as Terraform reads it: anything that looks like an expression is escaped, or is an expression on purpose. It has a
 * type of its own, so that the compiler knows which text was escaped and may be made plain again.
 */
export type TerraformText = string & { readonly [escaped]: true };

/** A value of plain objects and arrays whose strings are {@link TerraformText}. Literals keep their type. */
export type Escaped<T> = T extends string
  ? string extends T
    ? TerraformText
    : T
  : T extends object
    ? { [Key in keyof T]: Escaped<T[Key]> }
    : T;

/** Escapes text, so that Terraform reads nothing in it as an expression. */
export function terraformText(text: string): TerraformText {
  return text.replaceAll(/[$%](?=\{)/g, "$&$&") as TerraformText;
}

/** Undoes {@link terraformText}, for text that is encoded before Terraform reads it. */
export function plainText(text: TerraformText): string {
  return text.replaceAll(/([$%])\1(?=\{)/g, "$1");
}

/** Texts one after the other. `undefined` stands for none. */
export function joined(texts: readonly (TerraformText | undefined)[]): TerraformText {
  return texts.join("") as TerraformText;
}

/** JSON of a value whose strings are escaped already, or expressions. */
export function terraformJson(value: unknown): TerraformText {
  return JSON.stringify(value) as TerraformText;
}

/** {@link terraformText} for every string in a value made of plain objects and arrays. */
export function terraformTexts<T>(value: T): Escaped<T> {
  return mapTexts(value) as Escaped<T>;
}

function mapTexts(value: unknown): unknown {
  if (typeof value === "string") return terraformText(value);
  if (Array.isArray(value)) return value.map(mapTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [terraformText(key), mapTexts(item)]));
}
