import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fleet } from "../scripts/cli/harness.ts";
import { commandsShown } from "./commands.ts";

const shown = commandsShown("fleet").filter(({ command }) => !/…$|deploy \/ diff|--help$/.test(command));

/** What is wrong with a command as a page shows it, by the help of the command itself. */
async function faultOf(command: string): Promise<string | undefined> {
  const [words = ""] = command.replace(/^(?:npm run (?:--silent )?fleet -- |fleet )/, "").split(/ [<>|](?= )/);
  // Every command takes --json, and the help of none but fleet itself lists it.
  const shown = words.split(" ").filter((word) => word !== "--json");
  const { stdout: help } = await fleet([...shown.filter((word) => /^[a-z][a-z-]*$/.test(word)), "--help"]);
  const [, path = "", usage = ""] = /^Usage: fleet ([a-z -]*)\[options\](.*)$/m.exec(help) ?? [];
  const rest = shown.slice(path.trim().split(" ").length);
  const values = rest.filter((word, index) => !word.startsWith("--") && !takesValue(help, rest[index - 1]));
  const unknown = rest.find((word) => word.startsWith("--") && !new RegExp(`^ +${word}\\b`, "m").test(help));
  if (unknown) return `unknown option ${unknown}`;
  // In a sentence a command may stand for itself, without what it needs.
  if (values.length === 0) return undefined;
  const count = (pattern: RegExp) => usage.match(pattern)?.length ?? 0;
  const least = count(/</g);
  const most = usage.includes("[command]") ? 0 : usage.includes("...") ? Number.POSITIVE_INFINITY : count(/[<[]/g);
  return values.length < least || values.length > most ? `usage: fleet ${path}${usage}` : undefined;
}

function takesValue(help: string, word = ""): boolean {
  return word.startsWith("--") && new RegExp(`^ +${word} <`, "m").test(help);
}

it.each([
  ["fleet secrets set ci pat", /usage: fleet /],
  ["fleet secret sett ci pat", /usage: fleet secret /],
  ["fleet secret set ci", /usage: fleet secret set /],
  ["fleet secret set ci pat value", /usage: fleet secret set /],
  ["fleet deploy ci --approve", /unknown option --approve/],
])("%s would be found", async (command, fault) => {
  expect(await faultOf(command)).toMatch(fault);
});

it.each(shown)("$command ($page) is a command that fleet knows", async ({ command }) => {
  expect(await faultOf(command)).toBeUndefined();
});

it("messages go back from a dead-letter queue to a named queue: SQS knows no source of messages that services sent", () => {
  const moves = commandsShown("aws").filter(({ command }) => command.includes("start-message-move-task"));
  expect(moves.length).toBeGreaterThan(0);
  for (const { command } of moves) expect(command).toMatch(/--source-arn .*--destination-arn /);
});

const root = new URL("../../", import.meta.url);
const pages = readdirSync(new URL("docs/", root)).filter((name) => name.endsWith(".md"));
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const written = [
  ...["README.md", "CONTRIBUTING.md", ...pages.map((name) => `docs/${name}`)],
  ...["scripts", "stacks", "handlers", "agents"].flatMap((name) =>
    readdirSync(new URL(name, root), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(ts|md)$/.test(path))
      .map((path) => `${name}/${path}`),
  ),
];

it("no text tells people to run npx fleet: outside the clone npx asks the public registry for a package of that name", () => {
  expect(written.filter((path) => /\bnpx fleet\b/.test(read(path)))).toEqual([]);
  expect(JSON.parse(read("package.json"))).toMatchObject({ name: expect.stringMatching(/^@/), private: true });
});

it("no text puts a secret into a command line, which the shell keeps in its history", () => {
  const secret = /\b(?:TOKEN|HMAC_SALT|ADO_PAT|HOOK_SECRET|TFE_TOKEN|AWS_SECRET_ACCESS_KEY|TF_VAR_\w+)=(?:…|["'<\w])/;
  expect(written.filter((path) => /\.md$|scripts\/cli\//.test(path) && secret.test(read(path)))).toEqual([]);
});
