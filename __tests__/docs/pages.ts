import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Of the block's first line of text, counted from 1. */
  readonly line: number;
  /** Such as `yaml`; empty where the fence names none. */
  readonly language: string;
  /** Without the fence and without the fence's indentation. */
  readonly text: string;
  /** The HTML comment on the line before the fence: it says how a test reads the block. Empty: there is none. */
  readonly comment: string;
}

const folders = ["docs", ...readdirSync("agents").map((vendor) => join("agents", vendor))];

/** The pages for users: those of the root, of docs/ and of the agents. The changelog quotes what is gone. */
export const pages: readonly string[] = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** The same and the decisions. */
export const pagesAndDecisions: readonly string[] = [
  ...pages,
  ...readdirSync("docs/adr")
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs/adr", name)),
];

/** The blocks of a page, in order. Throws where a fence has no end. */
export function blocksOf(page: string, text = readFileSync(page, "utf8")): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const [, indent, language = ""] = /^( *)```(\w*)$/.exec(lines[index] ?? "") ?? [];
    if (indent === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, index + 1);
    if (end < 0) throw new Error(`${page}:${index + 1}: the block has no end`);
    const [, comment = ""] = /^ *<!-- (.+) -->$/.exec(lines[index - 1] ?? "") ?? [];
    const inside = lines.slice(index + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ page, line: index + 2, language, text: `${inside.join("\n")}\n`, comment });
    index = end;
  }
  return blocks;
}

/** A page without its blocks. */
export function proseOf(page: string, text = readFileSync(page, "utf8")): string {
  return text.replaceAll(/^( *)```\w*\n[\s\S]*?^\1```$/gm, "");
}
