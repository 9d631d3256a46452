import type { Command } from "commander";
import { type Context, uiOf } from "../../lib/context.ts";
import { asking } from "../../lib/errors.ts";
import { addressOf, adminAt, findPool, findWorkspaces } from "../../lib/hcp-terraform.ts";
import { table } from "../../lib/ui.ts";

/** `fleet hcp workspaces` with `set-agent-pool`. Returns it, for further commands below it. */
export function addWorkspacesCommands(hcp: Command, context: Context): Command {
  const workspaces = hcp.command("workspaces").description("where workspaces run");
  workspaces
    .command("set-agent-pool")
    .summary("let workspaces run on the agents of a pool")
    .description(
      "Sets the execution mode of workspaces to agent, and their agent pool. Names must match exactly. Remembers " +
        "nothing: assign does the same for a stack's pool, and release gives the former settings back.",
    )
    .argument("<org>", "the organization")
    .argument("<pool>", "name of the agent pool")
    .argument("<workspaces...>", "names of the workspaces")
    .addHelpText("after", "\nExample:\n  fleet hcp workspaces set-agent-pool acme aws network-prod network-dev")
    .action(
      asking("hcp-terraform", (org: string, pool: string, names: string[], _options: unknown, command: Command) =>
        setAgentPool(context, org, pool, names, command),
      ),
    );
  return workspaces;
}

async function setAgentPool(
  context: Context,
  org: string,
  poolName: string,
  names: readonly string[],
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const admin = await adminAt(context, addressOf(context, command));
  const results = await ui.during(`Setting agent pool ${poolName}`, async (step) => {
    const poolId = await findPool(admin, org, poolName);
    const changes: { workspace: string; changed: boolean }[] = [];
    for (const workspace of await findWorkspaces(admin, org, names)) {
      step(`Workspace ${workspace.name}`);
      changes.push({ workspace: workspace.name, changed: await admin.setAgentPool(workspace, poolId) });
    }
    return changes;
  });
  ui.result(
    { agent_pool: poolName, workspaces: results },
    table(
      ["workspace", `agent pool ${poolName}`],
      results.map(({ workspace, changed }) => [workspace, changed ? "set" : "was set already"]),
    ),
  );
}
