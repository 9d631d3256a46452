const leastCharacters = 32;
const leastBits = 100;

/** The rule for keys that sign, as the end of a sentence that begins with "The value". */
export const strongKeyRule = `is too easy to guess: it needs at least ${leastCharacters} characters, and not only the same few again and again`;

/** A command that makes a strong key. */
export const strongKeyCommand = "openssl rand -hex 32";

/**
 * Whether a clean value meets {@link strongKeyRule}: 100 bits of Shannon's entropy, counted from how often each character
 * occurs. That refuses short and monotonous values, not all guessable ones.
 */
export function isStrongKey(value: string): boolean {
  const characters = [...value];
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  const bits = [...counts.values()].map((count) => count * Math.log2(characters.length / count));
  return characters.length >= leastCharacters && bits.reduce((sum, each) => sum + each, 0) >= leastBits;
}

/** {@link isStrongKey} as a Terraform expression. @param value the expression of the clean value */
export function strongKeyCondition(value: string): string {
  const count = `length([for other in split("", ${value}) : other if other == each])`;
  const bits = `[for each in distinct(split("", ${value})) : ${count} * log(length(${value}) / ${count}, 2)]`;
  return `length(${value}) >= ${leastCharacters} && sum(concat([0], ${bits})) >= ${leastBits}`;
}
