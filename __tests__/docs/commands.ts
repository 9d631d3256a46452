import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A command that a page shows. */
export interface Shown {
  readonly page: string;
  /** On one line, with the placeholders that the page writes. */
  readonly command: string;
}

const folders = [".", "docs", "docs/adr", ...readdirSync("agents").map((vendor) => join("agents", vendor))];

/** The commands of a program that the pages for users show, in blocks of code and in sentences, each once. */
export function commandsShown(program: "aws" | "fleet"): readonly Shown[] {
  const pages = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md")
      .map((name) => join(folder, name)),
  );
  const starts = program === "fleet" ? /^(?:npm run (?:--silent )?fleet -- |fleet )/ : /^aws /;
  return pages.flatMap((page) => {
    const commands = commandsIn(readFileSync(page, "utf8")).filter((command) => starts.test(command));
    return [...new Set(commands)].map((command) => ({ page, command }));
  });
}

function commandsIn(text: string): string[] {
  const block = /```\w*\n([\s\S]*?)```/g;
  const lines = [...text.matchAll(block)].flatMap(([, code = ""]) => linesOf(code));
  const inSentences = [...text.replaceAll(block, "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
  return [...lines, ...inSentences].map((command) => command.replaceAll(/\s+/g, " ").trim());
}

/** The lines of a block as a shell reads them: joined after a backslash and within quotes, without comments. */
function linesOf(code: string): string[] {
  const lines: string[] = [];
  for (const line of code.replaceAll(/\\\n/g, " ").split("\n")) {
    const before = lines.at(-1);
    if (before !== undefined && before.split("'").length % 2 === 0) lines[lines.length - 1] = `${before} ${line}`;
    else lines.push(line.replace(/\s#\s.*$/, ""));
  }
  return lines;
}
