/**
 * A secret without surrounding blanks, line breaks of either kind and a byte-order mark, which files and consoles often
 * add. The one rule for functions and CLI; entry points and boot programs follow the same rule.
 */
export function cleanSecret(value: string): string {
  return value.trim();
}

/** Whether a secret is base64, which may have several lines. All other secrets have one line. */
interface SecretForm {
  readonly severalLines: boolean;
}

/**
 * Why a clean value cannot be a secret, as the end of a sentence that begins with "The value"; `undefined`: it can be
 * one. Never contains any part of the value.
 */
export function secretTrouble(value: string, { severalLines }: SecretForm): string | undefined {
  if (value === "") return "is empty";
  if (value.startsWith("<"))
    return "is a page in HTML or XML: your command probably received an error page instead of the secret";
  const lines = value.split(/\r?\n/);
  if (lines.length > 1 && !severalLines) return `has ${lines.length} lines, but this kind of secret has one line`;
  if (lines.some((line) => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u.test(line))) {
    return "contains invisible characters, such as control characters: it may be a file in another encoding";
  }
  return undefined;
}

/** The text under one key of a secret that is a JSON object; `undefined` where there is none. */
export function valueOfKey(secret: string, key: string): string | undefined {
  try {
    const object: unknown = JSON.parse(cleanSecret(secret));
    if (object === null || !Object.hasOwn(Object(object), key)) return undefined;
    const value: unknown = Object(object)[key];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
