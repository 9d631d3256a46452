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
 * The lines of a CSV file of RFC 4180, without empty ones. Lines may also end in CR alone. Cells lose blanks around them,
 * and the mark of {@link csvCell}. A quoted cell may hold commas, quotes and line breaks.
 *
 * @returns the number of a line with a quote that nothing closes, where there is one
 */
export function parseCsvText(text: string): readonly CsvLine[] | { readonly brokenLine: number } {
  const content = text.replace(/^\ufeff/, "");
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let number = 1;
  let first = 1;
  for (let at = 0; at < content.length || cells.length > 0; ) {
    const cell = cellAt(content, at);
    if (cell === undefined) return { brokenLine: first };
    cells.push(cell.text.replace(disarmed, ""));
    number += (content.slice(at, cell.next).match(/\r\n?|\n/g) ?? []).length;
    at = cell.next;
    if (!cell.endsLine) continue;
    if (cells.length > 1 || cells[0] !== "") lines.push({ number: first, cells });
    cells = [];
    first = number;
  }
  return lines;
}

/**
 * The cell that begins here; `undefined`: its quotes are wrong. It searches for the end, because a pattern that takes a
 * whole cell runs out of stack with a cell of some megabytes.
 */
function cellAt(content: string, at: number) {
  const begin = find(content, /[\S\r\n]/g, at);
  const isQuoted = content[begin] === '"';
  const close = isQuoted ? closingQuote(content, begin + 1) : begin;
  if (close === -1) return undefined;
  const end = find(content, /[,\r\n]/g, isQuoted ? close + 1 : at);
  if (isQuoted && content.slice(close + 1, end).trim() !== "") return undefined;
  const text = isQuoted ? content.slice(begin + 1, close).replaceAll('""', '"') : content.slice(at, end).trim();
  const isComma = content[end] === ",";
  const width = content.startsWith("\r\n", end) ? 2 : 1;
  return { text, next: Math.min(content.length, end + width), endsLine: !isComma };
}

/** -1: there is none. */
function closingQuote(content: string, from: number): number {
  for (let at = content.indexOf('"', from); at !== -1; at = content.indexOf('"', at + 2)) {
    if (content[at + 1] !== '"') return at;
  }
  return -1;
}

/** Where this comes next; the end of the text: nowhere. @param wanted with the flag g */
function find(content: string, wanted: RegExp, from: number): number {
  wanted.lastIndex = from;
  return wanted.exec(content)?.index ?? content.length;
}
