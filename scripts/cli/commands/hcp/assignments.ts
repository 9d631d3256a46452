import type { Command } from "commander";
import { loadStack } from "../../../../stacks/config/load.ts";
import type { Execution, HcpTerraformAdmin, Workspace } from "../../hcp/admin.ts";
import {
  type Assignment,
  type AssignmentState,
  type AssignmentStore,
  type AssignOutcome,
  assign,
  release,
  stateOf,
} from "../../hcp/assignments.ts";
import { type Context, uiOf } from "../../lib/context.ts";
import { asking, UserError } from "../../lib/errors.ts";
import { addressOf, adminAt, findPool, findWorkspaces } from "../../lib/hcp-terraform.ts";
import { table } from "../../lib/ui.ts";

/** A fleet for HCP Terraform, and what its commands need. */
interface Fleet {
  readonly organization: string;
  readonly agentPool: string;
  readonly admin: HcpTerraformAdmin;
  readonly store: AssignmentStore;
}

/** An assignment beside the workspace as it is now. */
interface Seen {
  readonly assignment: Assignment;
  readonly workspace: Workspace | undefined;
  readonly state: AssignmentState;
}

const outcomes: Record<AssignOutcome, string> = {
  assigned: "assigned",
  "already assigned": "was assigned already",
  unrecorded: "runs on the pool already; nothing to give back",
};

const releases: Record<AssignmentState, string> = {
  assigned: "former settings given back",
  "given back": "had its former settings already",
  changed: "former settings given back by force",
  gone: "does not exist any more",
};

const stack = ["<stack>", "name of the fleet's stack: its config file without .yaml"] as const;

/** `fleet hcp workspaces assign`, `release` and `list`. */
export function addAssignmentCommands(workspaces: Command, context: Context): void {
  workspaces
    .command("assign")
    .summary("let workspaces run on a fleet, and remember their settings")
    .description(
      "Sets the execution mode of workspaces to agent, and their pool to the stack's; nothing else. Keeps their " +
        "former mode and pool in AWS, for release. Names must match exactly.",
    )
    .argument(...stack)
    .argument("<workspaces...>", "names of the workspaces")
    .addHelpText("after", "\nExample:\n  fleet hcp workspaces assign ci-agents network-prod network-dev")
    .action(
      asking("hcp-terraform", (name: string, names: string[], _options: unknown, command: Command) =>
        assignAll(context, name, names, command),
      ),
    );
  workspaces
    .command("release")
    .summary("give workspaces their former settings back")
    .description(
      "Gives workspaces the execution mode and pool that they had before assign; nothing else. Refuses if one of " +
        "them was changed since.",
    )
    .argument(...stack)
    .argument("[workspaces...]", "names of the workspaces; left out: all that are assigned")
    .option("--force", "give the former settings back to workspaces that were changed since, too")
    .addHelpText("after", "\nExample:\n  fleet hcp workspaces release ci-agents network-dev")
    .action(
      asking("hcp-terraform", (name: string, names: string[], options: { force?: true }, command: Command) =>
        releaseAll(context, name, names, options.force === true, command),
      ),
    );
  workspaces
    .command("list")
    .summary("list the workspaces that are assigned to a fleet")
    .description("Lists the workspaces that are assigned to a fleet, with their settings now and before.")
    .argument(...stack)
    .action(
      asking("hcp-terraform", (name: string, _options: unknown, command: Command) => list(context, name, command)),
    );
}

async function assignAll(context: Context, name: string, names: readonly string[], command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const fleet = await fleetOf(context, name, command);
  const results = await ui.during(`Assigning workspaces to ${name}`, async (step) => {
    const poolId = await findPool(fleet.admin, fleet.organization, fleet.agentPool);
    const found = await findWorkspaces(fleet.admin, fleet.organization, names);
    const known = await fleet.store.list();
    const done: { workspace: string; outcome: AssignOutcome }[] = [];
    for (const workspace of found) {
      step(`Workspace ${workspace.name}`);
      done.push({ workspace: workspace.name, outcome: await assign(workspace, poolId, known, fleet) });
    }
    return done;
  });
  ui.result(
    { stack: name, agent_pool: fleet.agentPool, workspaces: results },
    table(
      ["workspace", `agent pool ${fleet.agentPool}`],
      results.map(({ workspace, outcome }) => [workspace, outcomes[outcome]]),
    ),
  );
}

async function releaseAll(
  context: Context,
  name: string,
  names: readonly string[],
  force: boolean,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const fleet = await fleetOf(context, name, command);
  const released = await ui.during(`Releasing workspaces of ${name}`, async (step) => {
    const wanted = chosen(await seenBy(fleet), names, name);
    const changed = wanted.filter(({ state }) => state === "changed").map(nameOf);
    if (changed.length > 0 && !force) {
      throw new UserError(
        `Someone changed the execution mode or pool since the assignment: ${changed.join(", ")}.`,
        `Nothing was changed. See fleet hcp workspaces list ${name}. --force gives the former settings back anyway.`,
      );
    }
    for (const seen of wanted) {
      step(`Workspace ${nameOf(seen)}`);
      await release(seen.assignment, seen.state, fleet);
    }
    return wanted;
  });
  ui.result(
    { stack: name, workspaces: released.map((seen) => ({ workspace: nameOf(seen), was: seen.state })) },
    table(
      ["workspace", "result"],
      released.map((seen) => [nameOf(seen), releases[seen.state]]),
    ),
  );
}

async function list(context: Context, name: string, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const fleet = await fleetOf(context, name, command);
  const all = await ui.during(`Reading the workspaces of ${name}`, () => seenBy(fleet));
  ui.result(
    {
      stack: name,
      workspaces: all.map((seen) => ({
        ...{ workspace: nameOf(seen), state: seen.state },
        before: seen.assignment.before,
        now: seen.workspace && executionOf(seen.workspace),
      })),
    },
    table(
      ["workspace", "state", "before", "now"],
      all.map((seen) => [
        nameOf(seen),
        seen.state,
        inWords(seen.assignment.before),
        seen.workspace ? inWords(seen.workspace) : "",
      ]),
    ),
  );
}

async function fleetOf(context: Context, name: string, command: Command): Promise<Fleet> {
  const { file, config } = loadStack(name, context);
  if (!("vendor" in config) || config.vendor?.type !== "hcp-terraform") {
    throw new UserError(`${file} is no fleet for HCP Terraform.`, "Give the name of such a fleet's stack.");
  }
  const { organization, agentPool, address } = config.vendor;
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { createParameterAssignments } = await import("../../lib/parameter-assignments.ts");
  const store = createParameterAssignments(name, config.region);
  return { organization, agentPool, admin: await adminAt(context, addressOf(context, command, address)), store };
}

async function seenBy({ admin, store }: Fleet): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for (const assignment of await store.list()) {
    const workspace = await admin.getWorkspace(assignment.workspaceId);
    seen.push({ assignment, workspace, state: stateOf(assignment, workspace) });
  }
  return seen;
}

/** Those with these names; without names, all. Throws for names that no assignment has. */
function chosen(all: readonly Seen[], names: readonly string[], stackName: string): readonly Seen[] {
  if (names.length === 0) return all;
  const missing = names.filter((name) => !all.some((seen) => nameOf(seen) === name));
  if (missing.length === 0) return all.filter((seen) => names.includes(nameOf(seen)));
  throw new UserError(
    `Stack ${stackName} has not assigned ${missing.map((name) => `"${name}"`).join(", ")}.`,
    "Nothing was changed. Their former settings are not known: set the execution mode in HCP Terraform.",
  );
}

function nameOf({ assignment, workspace }: Seen): string {
  return workspace?.name ?? assignment.workspace;
}

function executionOf({ executionMode, agentPoolId, inherited }: Execution): Execution {
  return { executionMode, agentPoolId, inherited };
}

function inWords({ executionMode, agentPoolId, inherited }: Execution): string {
  const mode = executionMode === "agent" ? `agent on ${agentPoolId}` : executionMode;
  return inherited ? `inherited (${mode})` : mode;
}
