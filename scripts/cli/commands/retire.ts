import type { Command } from "commander";
import type { CapacityMember } from "../../../handlers/lib/core/ports.ts";
import { loadStack } from "../../../stacks/config/load.ts";
import { nearest } from "../../../stacks/config/reading/nearest.ts";
import type { WatchedPool } from "../drain/pool.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { secondsOf } from "../lib/duration.ts";
import { UserError } from "../lib/errors.ts";
import { tableOf } from "../lib/fleet-table.ts";
import { readInForce } from "../lib/in-force.ts";
import { type Ending, followRetirement } from "../retire/follow.ts";

interface Options {
  readonly timeout: string;
  readonly wait: boolean;
}

/** An agent of the fleet. */
interface Found {
  readonly pool: WatchedPool;
  readonly member: CapacityMember;
}

/** `fleet retire`. */
export function addRetireCommand(program: Command, context: Context): void {
  program
    .command("retire")
    .summary("take one agent out once it has no job")
    .description(
      "Starts the retirement of one agent, by the workflow and the rules of the loop: it takes no more jobs, and its " +
        "machine is ended when the vendor or the machine itself proves that it has none. Says when it is busy, and waits. " +
        "Ctrl-C ends the waiting, not the retirement. The loop launches another agent if the fleet needs one. Needs " +
        "dynamodb:Query on <stack>-settings and GetItem on <stack>-state, lambda:GetFunctionConfiguration on " +
        "<stack>-autoscale, the loop's rights to read tasks or instances, and states:StartExecution, ListExecutions, " +
        "DescribeExecution and GetExecutionHistory on <stack>-retire.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<agent>", "the agent's name, or its instance id or task ARN")
    .option("--timeout <time>", "how long to wait, such as 30m or 2h", "2h")
    .option("--no-wait", "end as soon as the retirement runs")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet retire ci-agents i-0123456789abcdef0\n  fleet retire ci-agents ci-agents_4f2a --no-wait\n" +
        "  fleet --json retire ci-agents i-0123456789abcdef0 --timeout 30m",
    )
    .action((name: string, agent: string, options: Options, command: Command) =>
      retire(context, name, agent, options, command),
    );
}

async function retire(context: Context, name: string, asked: string, options: Options, command: Command) {
  const ui = uiOf(context, command);
  const { clock } = context;
  const fleet = tableOf(loadStack(name, context));
  const timeoutSeconds = secondsOf("--timeout", options.timeout);
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { createWatchedPools } = await import("../drain/pool.ts");
  const { createWorkflow, readWorkflow } = await import("../retire/workflow.ts");
  const { pool, member, config } = await ui.during(`Looking for ${asked}`, async () => {
    const { pools } = await readInForce(fleet, clock.now());
    const retirements = await readWorkflow(fleet);
    if (retirements === undefined) {
      throw new UserError(
        `The agents of ${name} leave by themselves: their vendor cannot lock one against jobs, so nothing can retire it.`,
        `Nothing was changed. fleet drain ${name} says when each one leaves.`,
      );
    }
    const watch = createWatchedPools(fleet, clock);
    return {
      ...(await find(
        pools.map(({ pool: key, settings }) => watch(key, settings)),
        asked,
        name,
      )),
      config: retirements,
    };
  });
  const agent = { name: member.agentName, capacityId: member.id };
  refuseUnfit(member, name);
  const workflow = createWorkflow(fleet, { ...config, pool: pool.pool, poolName: pool.poolName }, clock);
  const running = await workflow.find(agent);
  if (running) ui.note(`${agent.name} is being retired already.`);
  const execution = running ?? (await workflow.start(agent));
  if (execution === undefined) {
    throw new UserError(
      `A retirement of ${agent.name} has just ended, and ${agent.name} is still there.`,
      "See docs/runbook.md, retirements-failing. Try again in ten minutes.",
    );
  }
  const data = { stack: name, agent: agent.name, machine: member.id, pool: pool.pool ?? null, execution };
  if (!options.wait) return ui.result({ ...data, ended: null }, `The retirement of ${agent.name} runs: ${execution}`);

  const isThere = async () =>
    (await pool.capacity.read()).members.some(({ id, phase }) => id === member.id && phase !== "stopping");
  const ended = await ui.watch(`Retiring ${agent.name}`, (step, interrupted) =>
    followRetirement(workflow, execution, isThere, { clock, timeoutSeconds, step, interrupted }),
  );
  ui.result({ ...data, ended }, ended === "gone" ? `${agent.name} is gone.` : `${agent.name} is still there.`);
  if (ended !== "gone") throw unended(ended, agent.name, options.timeout, execution);
}

async function find(pools: readonly WatchedPool[], asked: string, stack: string): Promise<Found> {
  const readings = await Promise.all(
    pools.map(async (pool) => ({ pool, members: (await pool.capacity.read()).members })),
  );
  const all = readings.flatMap(({ pool, members }) => members.map((member) => ({ pool, member })));
  const found = all.find(({ member }) => member.agentName === asked || member.id === asked);
  if (found) return found;
  const names = all.map(({ member }) => member.agentName);
  const guess = nearest(asked, names);
  throw new UserError(
    `${stack} has no agent ${JSON.stringify(asked)}${guess ? `. Did you mean ${guess}?` : "."}`,
    `Nothing was changed. ${names.length === 0 ? "It has no agents now." : `It has ${names.slice(0, 10).join(", ")}${names.length > 10 ? ` and ${names.length - 10} more` : ""}.`}`,
  );
}

/** Throws {@link UserError} for an agent that the loop would not retire either. */
function refuseUnfit({ agentName, phase }: CapacityMember, stack: string): void {
  const reasons: Partial<Record<CapacityMember["phase"], string>> = {
    ordered:
      "AWS has not begun to launch it, so there is nothing to retire. The loop takes orders back that no job needs.",
    held: "AWS ends it already, and its termination hook holds it. The loop has started its retirement, or does within a minute.",
    stopping: "it ends already.",
    failed: "its machine is dead. The loop takes it out within a minute.",
  };
  const reason = reasons[phase];
  if (reason) throw new UserError(`${agentName} of ${stack}: ${reason}`, "Nothing was changed.");
}

function unended(ended: Exclude<Ending, "gone">, agent: string, timeout: string, execution: string): UserError {
  const goesOn = `The retirement goes on: ${execution}. The same command waits again.`;
  switch (ended) {
    case "interrupted":
      return new UserError("Interrupted.", goesOn);
    case "timeout":
      return new UserError(`${agent} is still there after ${timeout}.`, goesOn);
    case "stays":
      return new UserError(
        `The retirement of ${agent} has ended, and AWS still shows its machine: it was found busy, or AWS is late.`,
        "Look again in a minute. A retirement of the loop for want of jobs lets a busy agent stay: try again.",
      );
    case "failed":
      return new UserError(
        `The retirement of ${agent} has failed or timed out. Nothing was killed.`,
        `See docs/runbook.md, retirements-failing. Its execution: ${execution}`,
      );
  }
}
