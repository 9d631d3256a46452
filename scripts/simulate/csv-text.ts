/** One line of a CSV file with its number, from 1. */
export interface CsvLine {
  readonly number: number;
  readonly cells: readonly string[];
}

/** Spreadsheets take such a cell for a formula and run it: https://owasp.org/www-community/attacks/CSV_Injection. */
const formula = /^[=+\-@\t\r]/;
/** How {@link csvCell} keeps a cell from being one. */
const disarmed = /^'(?=[=+\-@\t\r])/;

/** A cell as RFC 4180 writes it. A quote mark stands before what a spreadsheet would run. */
export function csvCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * The lines of a CSV file of RFC 4180, without empty ones. Cells lose blanks around them, and the mark of
 * {@link csvCell}. A quoted cell may hold commas, quotes and line breaks.
 *
 * @returns the number of a line with a quote that nothing closes, where there is one
 */
export function parseCsvText(text: string): readonly CsvLine[] | { readonly brokenLine: number } {
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let number = 1;
  let first = 1;
  const token = /[^\S\r\n]*"((?:[^"]|"")*)"[^\S\r\n]*(,|\r?\n|$)|([^,\r\n]*)(,|\r?\n|$)/y;
  const content = text.replace(/^\ufeff/, "");
  while (token.lastIndex < content.length) {
    const match = token.exec(content);
    const [all = "", quoted, afterQuoted, plain = "", afterPlain] = match ?? [];
    if (!match || (quoted === undefined && plain.trimStart().startsWith('"'))) return { brokenLine: first };
    cells.push((quoted?.replaceAll('""', '"') ?? plain.trim()).replace(disarmed, ""));
    number += all.split("\n").length - 1;
    if ((afterQuoted ?? afterPlain) === ",") {
      if (token.lastIndex === content.length) cells.push("");
      continue;
    }
    if (cells.length > 1 || cells[0] !== "") lines.push({ number: first, cells });
    cells = [];
    first = number;
  }
  if (cells.length > 0) lines.push({ number: first, cells });
  return lines;
}
