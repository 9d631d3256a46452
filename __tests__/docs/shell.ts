/**
 * The commands of a script as a shell reads them, each as its words: without comments, assignments, redirections and
 * quotes. Pipes, `&&`, `||`, `;` and lines separate commands; those in `$(…)` come after the one that has them.
 *
 * It reads what our pages write: no here-documents, no functions, no loops.
 */
export function commandsIn(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  const inner: string[] = [];
  let words: string[] = [];
  const end = () => {
    const first = words.findIndex((word) => !/^\w+=/.test(word));
    if (first >= 0) commands.push(words.slice(first));
    words = [];
  };
  const token =
    /\\\n|(#[^\n]*)|(\n|&&|\|\|?|;)|\d?[<>]{1,2}(?:&\d| *[^\s<>|;&]+)|((?:\\[^\n]|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^)]*\)+|[^\s'"\\|;&<>])+)|\s/y;
  while (token.lastIndex < script.length) {
    const start = token.lastIndex;
    const match = token.exec(script);
    if (!match) throw new Error(`the test cannot read this as a shell would: ${script.slice(start, start + 60)}`);
    const [, , operator, word] = match;
    if (operator) end();
    if (word === undefined) continue;
    inner.push(...[...word.matchAll(/\$\(([^()]*)\)/g)].map(([, script = ""]) => script));
    words.push(word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, "$1$2$3"));
  }
  end();
  return [...commands, ...inner.flatMap(commandsIn)];
}

/** A command line with an example in place of each placeholder that the page writes. */
export function filled(command: string): string {
  return command
    .replaceAll("<stack>", "ci")
    .replaceAll(/<[^<>\n]*\burl\b[^<>\n]*>|<\w*_url>/g, "https://example.com/hook")
    .replaceAll(/<[^<>\n]*\barn\b[^<>\n]*>/g, "arn:aws:sqs:us-west-2:123456789012:ci")
    .replaceAll(/(?<=\s)<[a-z][^<>\n]*>/gi, "i-0123456789abcdef0")
    .replaceAll(/<[a-z][^<>\n]*>/gi, "example");
}
