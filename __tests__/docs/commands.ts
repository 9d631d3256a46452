import { blocksOf, pagesAndDecisions, proseOf } from "./pages.ts";

/** A command that a page shows. */
export interface Shown {
  readonly page: string;
  /** On one line, with the placeholders that the page writes. */
  readonly command: string;
  /** Whether it stands in a sentence, where it may stand for itself, without what it needs. */
  readonly inSentence: boolean;
}

const onOneLine = (command: string) => command.replaceAll(/\s+/g, " ").trim();
const distinct = (commands: readonly string[]) => [...new Set(commands)].filter(Boolean);

/** The shell's lines in the blocks and the code in the sentences of the pages for users, each once per page. */
export const shown: readonly Shown[] = pagesAndDecisions.flatMap((page) => {
  const scripts = blocksOf(page).filter(({ language }) => language === "sh");
  const lines = scripts.flatMap(({ text }) => linesOf(text)).map(onOneLine);
  const codes = [...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, code = ""]) => onOneLine(code));
  return [
    ...distinct(lines).map((command) => ({ page, command, inSentence: false })),
    ...distinct(codes.filter((code) => !lines.includes(code))).map((command) => ({ page, command, inSentence: true })),
  ];
});

/** The commands of a program that the pages for users show, in blocks of code and in sentences. */
export function commandsShown(program: "aws" | "fleet"): readonly Shown[] {
  const starts = program === "fleet" ? /^(?:npm run (?:--silent )?fleet -- |fleet )/ : /^aws /;
  return shown.filter(({ command }) => starts.test(command));
}

/** The lines of a block as a shell reads them: joined after a backslash and within quotes, without comments. */
function linesOf(code: string): string[] {
  const lines: string[] = [];
  for (const line of code.replaceAll(/\\\n/g, " ").split("\n")) {
    const before = lines.at(-1);
    if (before !== undefined && before.split("'").length % 2 === 0) lines[lines.length - 1] = `${before} ${line}`;
    else lines.push(line.replace(/(^|\s)#\s.*$/, ""));
  }
  return lines;
}
