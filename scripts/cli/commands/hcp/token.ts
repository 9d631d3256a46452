import type { Command } from "commander";
import { type LoadedStack, loadStack } from "../../../../stacks/config/load.ts";
import { type Context, uiOf } from "../../lib/context.ts";
import { asking, UserError } from "../../lib/errors.ts";
import { addressOf, adminAt, findPool } from "../../lib/hcp-terraform.ts";
import { putSecret, secretOf } from "../../lib/stack-secrets.ts";

interface CreateOptions {
  readonly pool?: string;
  readonly description?: string;
  readonly createPool?: true;
  readonly store?: string;
}

/** `fleet hcp token create` and `fleet hcp token delete`. */
export function addTokenCommands(hcp: Command, context: Context): void {
  const token = hcp.command("token").description("tokens of agents");

  token
    .command("create")
    .summary("create an agent token")
    .description("Creates an agent token. Prints its value, which is shown this once, and its id.")
    .argument("[org]", "the organization; with --store, the stack's")
    .option("--pool <name>", "the agent pool; with --store, the stack's")
    .option("--create-pool", "create the pool if there is none of that name")
    .option("--description <text>", "what the token is for")
    .option("--store <stack>", "write the value into this stack's agent-token secret instead of printing it")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet hcp token create --store ci-agents --create-pool\n  fleet hcp token create acme --pool aws",
    )
    .action(
      asking("hcp-terraform", (org: string | undefined, options: CreateOptions, command: Command) =>
        createToken(context, org, options, command),
      ),
    );

  token
    .command("delete")
    .summary("delete an agent token")
    .description("Deletes an agent token. Agents that use it stop at once, even in the middle of a job.")
    .argument("<id>", "the token's id, such as at-…")
    .action(
      asking("hcp-terraform", (id: string, _options: unknown, command: Command) => deleteToken(context, id, command)),
    );
}

async function createToken(
  context: Context,
  org: string | undefined,
  options: CreateOptions,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const stack = options.store === undefined ? undefined : loadStack(options.store, context);
  const { organization, pool, fallback } = placeOf(org, options, stack);
  const secret = stack && secretOf(stack, "agent-token");
  const admin = await adminAt(context, addressOf(context, command, fallback));
  const description = options.description ?? `agent-fleets ${options.store ?? pool}`;

  const created = await ui.during(`Creating an agent token in pool ${pool}`, async () => {
    const poolId = await findPool(admin, organization, pool, options);
    return admin.createAgentToken(poolId, description);
  });
  if (!secret) {
    ui.result(
      { agent_token: created.value, agent_token_id: created.id },
      `agent_token:    ${created.value}\nagent_token_id: ${created.id}`,
    );
    ui.note("The value is shown only this once. Keep the id: you need it to delete the token.");
    return;
  }
  try {
    await putSecret(secret, created.value);
  } catch (error) {
    await admin.deleteAgentToken(created.id);
    ui.note("The value could not be stored, so the token was deleted again.");
    throw error;
  }
  ui.result(
    { agent_token_id: created.id, stored_in: secret.id },
    `agent_token_id: ${created.id}\nstored in:      ${secret.id}`,
  );
}

function placeOf(
  org: string | undefined,
  options: CreateOptions,
  stack: LoadedStack | undefined,
): { organization: string; pool: string; fallback: string | undefined } {
  const config = stack?.config;
  const vendor = config?.kind === "ecs-fleet" && config.vendor.type === "hcp-terraform" ? config.vendor : undefined;
  const organization = org ?? vendor?.organization;
  const pool = options.pool ?? vendor?.agentPool;
  if (organization && pool) return { organization, pool, fallback: vendor?.address };
  throw new UserError(
    `${organization ? "The agent pool" : "The organization"} is missing.`,
    "Use: fleet hcp token create ORG --pool NAME, or fleet hcp token create --store STACK.",
  );
}

async function deleteToken(context: Context, id: string, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const admin = await adminAt(context, addressOf(context, command));
  const deleted = await ui.during(`Deleting agent token ${id}`, () => admin.deleteAgentToken(id));
  ui.result(
    { agent_token_id: id, deleted },
    deleted ? `Agent token ${id} is deleted.` : `Agent token ${id} was not found: there is nothing to delete.`,
  );
}
