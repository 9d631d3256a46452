/**
 * A command that a person may copy: after a colon, a bracket or an indent, up to the end of the clause. It looks for the
 * program first, and then back: else a long run of blanks would take the square of its length.
 */
const command =
  /(?=[nfato])(?<=: |\(|^ {2,})(?:npm run|npx|fleet|aws|terraform|tofu|openssl) [^()\n]*?(?=[.,;]?\)|[.,;](?: |$)|$)/gm;

/** Stands for a blank that must not end a line. */
const glue = "\u0000";

/**
 * Breaks lines that are longer than `width` at blanks. Words stay whole, such as URLs and paths, and so do commands, even
 * if they are longer. Further lines begin below the first one.
 *
 * @param width columns. Left out: nothing is broken
 */
export function wrapped(text: string, width = Infinity): string[] {
  const glued = text.replaceAll(command, (each) => each.replaceAll(" ", glue));
  return glued.split("\n").flatMap((paragraph) => brokenAt(width, paragraph));
}

function brokenAt(width: number, paragraph: string): string[] {
  const [indent = ""] = /^ */.exec(paragraph) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.slice(indent.length).split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `${indent}${each}`.replaceAll(glue, " "));
}
