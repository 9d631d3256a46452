import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { type LoadedStack, loadStack } from "../../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { secondsOf } from "../lib/duration.ts";
import { asking, UserError } from "../lib/errors.ts";
import { tableOf } from "../lib/fleet-table.ts";
import { putSecret, type StackSecret, secretOf } from "../lib/stack-secrets.ts";
import type { Ui } from "../lib/ui.ts";
import { type AgentTokens, agentTokensOf } from "../rotate/agent-token.ts";
import { isOwn, type Reader, readerOf } from "../rotate/readers.ts";

interface Options {
  readonly timeout: string;
  readonly finish?: true;
}

/** The result of a rotation, as `--json` prints it. */
interface Result {
  /** Of a token that the vendor made. */
  readonly new_token_id: string | null;
  /** Ids of tokens that were revoked. */
  readonly revoked: readonly string[];
  /** What a person has to do now, if anything. */
  readonly next: string | null;
}

/** What gives a webhook's new key to those who call it, by the name of the secret. */
const senderCommands: Readonly<Record<string, (stack: string) => string>> = {
  "notification-token": (stack) => `fleet hcp notifications add --stack ${stack} WORKSPACE…`,
  "hook-secret": () => "fleet ado hook add",
  "webhook-secret": (stack) => `fleet spacelift webhook add ${stack}`,
};

/** `fleet secret rotate`. */
export function addRotateCommand(secret: Command, context: Context): void {
  secret
    .command("rotate")
    .summary("give a secret a new value, wait until it is used, and revoke the old one")
    .description(
      "Makes a new value and stores it, or asks for it where only the vendor's console makes one; waits until everything " +
        "reads the new one; then revokes the old one, or says how. Kills nothing: the old value stays valid until no " +
        "agent has it. A token of HCP Terraform's agents is made and revoked by the API with TOKEN, a webhook's key is " +
        "made here. Whatever fails in between, a value that works is stored, and the error says the next step. After a " +
        "leak, see docs/runbook.md, A secret leaked. Needs the rights of fleet secret set and list, those of fleet drain " +
        "to see agents, and logs:FilterLogEvents for a secret of the loop.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<name>", "which secret: fleet secret list shows them")
    .option("--timeout <time>", "how long to wait until the new value is used, such as 30m or 1d", "2h")
    .option("--finish", "no new value: wait for the last one to be used, and revoke those before it")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet secret rotate ci-agents agent-token --timeout 1d\n" +
        "  fleet secret rotate ci-agents agent-token --finish\n  fleet secret rotate ci-agents notification-token\n" +
        "  fleet secret rotate ci-agents api-token < token.txt",
    )
    .action(
      asking("hcp-terraform", (stack: string, name: string, options: Options, command: Command) =>
        rotate(context, stack, name, options, command),
      ),
    );
}

async function rotate(
  context: Context,
  stack: string,
  name: string,
  options: Options,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const timeoutSeconds = secondsOf("--timeout", options.timeout);
  const loaded = loadStack(stack, context);
  const secret = secretOf(loaded, name);
  const reader = readerOf(secret);
  const tokens = await agentTokensOf(context, loaded, secret, command);
  if (options.finish && reader === "webhook") {
    throw new UserError(`${name} needs no --finish: the value from before ends by itself.`, "Nothing was changed.");
  }
  const newId = options.finish ? undefined : await stage(ui, secret, reader, tokens);
  const since = await sinceOf(secret);
  if (reader !== "webhook") await waitUntilUsed(context, ui, loaded, secret, { reader, since, timeoutSeconds });
  const result = await revoke(ui, secret, { reader, tokens, newId, since });
  ui.result(
    { stack, secret: name, id: secret.id, since: since.toISOString(), ...result },
    [
      `${name} of ${stack} has a new value since ${since.toISOString()}.`,
      ...(result.revoked.length > 0 ? [`Revoked: ${result.revoked.join(", ")}.`] : []),
      ...(result.next ? [`Next: ${result.next}`] : []),
    ].join("\n"),
  );
}

/** Stores a new value. Resolves to the id of a token that the vendor made. */
async function stage(ui: Ui, secret: StackSecret, reader: Reader, tokens: AgentTokens | undefined) {
  const { stack, facts } = secret;
  if (tokens) return ui.during(`Making and storing a new ${facts.name}`, () => tokens.stage());
  const value =
    reader === "webhook"
      ? randomBytes(32).toString("hex")
      : await ui.askSecret(`New value of ${facts.name} for ${stack}`);
  await ui.during(`Writing ${secret.id}`, () => putSecret(secret, value));
  return undefined;
}

/** When the value that counts was stored. */
async function sinceOf({ facts, stack, ...secret }: StackSecret): Promise<Date> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { readState } = await import("../lib/secret-store.ts");
  const since = (await readState(secret))?.since;
  if (since) return since;
  throw new UserError(
    `${facts.name} of ${stack} has no value.`,
    `Set it first: fleet secret set ${stack} ${facts.name}.`,
  );
}

async function waitUntilUsed(
  context: Context,
  ui: Ui,
  loaded: LoadedStack,
  { stack, facts }: StackSecret,
  { reader, since, timeoutSeconds }: { readonly reader: Reader; readonly since: Date; readonly timeoutSeconds: number },
): Promise<void> {
  const { clock } = context;
  const fleet = tableOf(loaded);
  const { loopHasDecided, oldAgents, until } = await import("../rotate/waiting.ts");
  const ask = reader === "agents" ? oldAgents(fleet, since, clock) : loopHasDecided(fleet, since, clock);
  const ended = await ui.watch(`Waiting until the new ${facts.name} is used`, (step, interrupted) =>
    until(ask, { clock, timeoutSeconds, step, interrupted }),
  );
  if (ended === "done") return;
  const both = "The new value is stored, and the old one is not revoked, so both work.";
  const failing =
    reader === "functions" ? " If the loop fails with the new one, set the old one again with fleet secret set." : "";
  throw new UserError(
    ended === "interrupted" ? `Interrupted. ${both}` : `The new value is not used everywhere yet. ${both}`,
    `To go on: fleet secret rotate ${stack} ${facts.name} --finish.${failing}`,
  );
}

async function revoke(
  ui: Ui,
  secret: StackSecret,
  {
    reader,
    tokens,
    newId,
    since,
  }: {
    readonly reader: Reader;
    readonly tokens: AgentTokens | undefined;
    readonly newId: string | undefined;
    readonly since: Date;
  },
): Promise<Result> {
  const { stack, facts } = secret;
  const result = { new_token_id: newId ?? null, revoked: [] as readonly string[] };
  if (reader === "webhook") {
    const give = senderCommands[facts.name]?.(stack) ?? "at the vendor";
    const next = `give the new value to the senders within 24 hours: ${give}. Until then the webhook accepts the old value too.`;
    return { ...result, next };
  }
  if (tokens === undefined)
    return { ...result, next: "nothing of the fleet uses the old value any more: revoke it at the vendor." };
  if (!isOwn(secret)) {
    const next = `other stacks may use ${secret.id}. When none of their agents has the old token: fleet hcp token delete ID.`;
    return { ...result, next };
  }
  const { revoked, others } = await ui.during("Revoking the tokens from before", () => tokens.revokeOld(newId, since));
  const ids = others.map(({ id, description }) => `${id} (${description || "no description"})`).join(", ");
  const next =
    others.length > 0
      ? `the pool has tokens that others made, or that were used in the last 15 minutes: ${ids}. Later run fleet secret ` +
        `rotate ${stack} ${facts.name} --finish, or, for one that nobody uses, fleet hcp token delete ID.`
      : null;
  return { ...result, revoked, next };
}
