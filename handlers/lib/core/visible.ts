/**
 * Characters that a terminal obeys or hides instead of showing: controls (C0 without tab and line feed, DEL, C1), marks and
 * overrides of the writing direction, invisible ones, separators of lines, and halves of characters.
 */
const unseen = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text that is safe to print: each character that a terminal would obey or hide is written as `\uXXXX`. */
export function visible(text: string): string {
  return text.replaceAll(unseen, inEscapes);
}

/** The same for text in one line: tabs and line feeds are written out, too. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll(/[\t\n]/g, inEscapes);
}

/** As JSON has it, so that JSON stays the same JSON. */
function inEscapes(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}
