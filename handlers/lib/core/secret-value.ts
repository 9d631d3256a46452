/**
 * A secret as it was meant. What surrounds it never matters: blanks, line breaks of either kind, a byte-order mark.
 * Files and consoles add them unasked. The one rule for functions and CLI; entry points and boot programs keep the
 * same.
 */
export function cleanSecret(value: string): string {
  return value.trim();
}

/** Whether a secret is base64, which may be broken into lines. All others are one line. */
interface SecretForm {
  readonly severalLines: boolean;
}

/**
 * Why a clean value cannot be a secret, as the end of a sentence that begins with "The value"; `undefined`: it can be
 * one. Never tells any of it.
 */
export function secretTrouble(value: string, { severalLines }: SecretForm): string | undefined {
  if (value === "") return "is empty";
  if (value.startsWith("<"))
    return "is a page in HTML or XML: whatever made it got an error page in place of the secret";
  const lines = value.split(/\r?\n/);
  if (lines.length > 1 && !severalLines) return `has ${lines.length} lines, and a secret of this kind has one`;
  if (lines.some((line) => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u.test(line))) {
    return "holds characters that nobody sees, such as control characters: it may be a file in another encoding";
  }
  return undefined;
}
