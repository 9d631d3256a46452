import { readdirSync, readFileSync } from "node:fs";
import { type Command, CommanderError } from "commander";
import { expect, it } from "vitest";
import { refuseOldSpelling } from "../../scripts/cli/commands/hcp.ts";
import { createProgram } from "../../scripts/cli/fleet.ts";
import type { Context } from "../../scripts/cli/lib/context.ts";
import { commandsShown } from "./commands.ts";
import { commandsIn, filled } from "./shell.ts";

const shown = commandsShown("fleet").filter(({ command }) => !/…$|deploy \/ diff/.test(command));

/** The arguments of the one call of fleet in a line, and what commander says against them. */
async function faultOf(line: string, inSentence = false): Promise<string | undefined> {
  const calls = commandsIn(filled(line)).flatMap((words) => argumentsOf(words) ?? []);
  if (calls.length === 0) return "no call of fleet";
  for (const { args } of calls) {
    const fault = await parse(args);
    if (fault && !(inSentence && standsForItself(args, fault))) return fault.message;
  }
  return undefined;
}

function argumentsOf([program, ...words]: readonly string[]): { readonly args: readonly string[] } | undefined {
  if (program === "fleet") return { args: words };
  const dashes = words.indexOf("--");
  return program === "npm" && words[0] === "run" && words[dashes - 1] === "fleet"
    ? { args: words.slice(dashes + 1) }
    : undefined;
}

/** Lets the real program read a call, and does nothing then. Resolves to its error. */
async function parse(args: readonly string[]): Promise<CommanderError | undefined> {
  const terminal = { write: () => true };
  const program = createProgram(
    { env: {}, cwd: "/", terminal: { stdout: terminal, stderr: terminal } } as unknown as Context,
    true,
  );
  const idle = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(idle);
  };
  idle(program);
  try {
    refuseOldSpelling(args);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) return new CommanderError(1, "refused", String(error));
    if (error.code !== "commander.helpDisplayed") return error;
  }
  return undefined;
}

/** Whether a call names a command and gives it nothing that it works on. */
function standsForItself(args: readonly string[], { code }: CommanderError): boolean {
  let command = createProgram({ terminal: {} } as unknown as Context, false);
  const rest = args.filter((arg) => {
    const inner = command.commands.find((each) => each.name() === arg);
    if (inner) command = inner;
    return !inner;
  });
  const missing = ["commander.missingArgument", "commander.missingMandatoryOptionValue", "commander.help"];
  return missing.includes(code) && rest.every((arg) => arg.startsWith("-"));
}

it.each([
  ["fleet secrets set ci pat", /unknown command 'secrets'/],
  ["fleet secret sett ci pat", /unknown command 'sett'/],
  ["fleet image build", /missing required argument 'stack'/],
  ["fleet secret set ci pat value", /too many arguments/],
  ["fleet token create acme", /is called fleet hcp token/],
  ["npm run synth && npm run fleet -- hcp run", /missing required argument/],
  ["fleet deploy ci --approve", /unknown option '--approve'/],
])("%s would be found", async (command, fault) => {
  expect(await faultOf(command)).toMatch(fault);
});

it.each(shown)("$command ($page) is a command that fleet knows", async ({ command, inSentence }) => {
  expect(await faultOf(command, inSentence)).toBeUndefined();
});

it("in a sentence a command may stand for itself, but not with half of what it needs", async () => {
  expect(await faultOf("fleet secret set", true)).toBeUndefined();
  expect(await faultOf("fleet hcp workspaces", true)).toBeUndefined();
  expect(await faultOf("fleet secret set")).toMatch(/missing required argument/);
  expect(await faultOf("fleet retire ci", true)).toMatch(/missing required argument/);
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
