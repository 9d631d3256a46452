/** Escapes text, so that Terraform reads nothing in it as an expression. */
export function terraformText(text: string): string {
  return text.replaceAll(/[$%](?=\{)/g, "$&$&");
}

/** Undoes {@link terraformText}, for text that is encoded before Terraform reads it. */
export function plainText(text: string): string {
  return text.replaceAll(/([$%])\1(?=\{)/g, "$1");
}

/** {@link terraformText} for every string in a value made of plain objects and arrays. */
export function terraformTexts<T>(value: T): T {
  return mapTexts(value) as T;
}

function mapTexts(value: unknown): unknown {
  if (typeof value === "string") return terraformText(value);
  if (Array.isArray(value)) return value.map(mapTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [terraformText(key), mapTexts(item)]));
}
