import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  paginateListExecutions,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Clock, Retirements } from "../core/ports.ts";
import type { RetirementInput } from "../core/retirement.ts";
import type { RetirementsConfig } from "../settings/retirements.ts";

/** A second start with the same name does nothing. The name changes after this time. */
const nameMilliseconds = 600_000;
/** Shorter for `scale-in`: the loop may soon choose an agent again that stayed because it was busy. */
const scaleInMilliseconds = 60_000;
/** ListExecutions may show a new execution late; until then we remember it ourselves. */
const confirmedMilliseconds = 15_000;
const executionName = /^(?<agent>.+)\.[a-z-]+\.\d+$/;

/** The fleet or pool of the retirements. */
export type RetirementsOf = RetirementsConfig & {
  readonly pool?: string | undefined;
  /** Prefix of the pool's agent names. */
  readonly poolName: string;
};

/** The retirements of a pool that run, as ListExecutions shows them: name of the agent → ARN of the execution. */
export async function runningRetirements(of: RetirementsOf, sfn: SFNClient): Promise<ReadonlyMap<string, string>> {
  const { long, short } = prefixesOf(of);
  const found = new Map<string, string>();
  const query = { stateMachineArn: of.workflow, statusFilter: "RUNNING" } as const;
  for await (const { executions = [] } of paginateListExecutions({ client: sfn, pageSize: 1000 }, query)) {
    for (const { name = "", executionArn = "" } of executions) {
      const agent = executionName.exec(name)?.groups?.agent;
      if (agent?.startsWith(short)) found.set(long + agent.slice(short.length), executionArn);
    }
  }
  return found;
}

/**
 * Starts the retirement of one agent.
 *
 * @returns the ARN of its execution; `undefined` if one with this name has just ended
 */
export async function startRetirement(
  of: RetirementsOf,
  { agent: { name, capacityId, vendorId }, reason, hook }: Pick<RetirementInput, "agent" | "reason" | "hook">,
  { sfn, clock }: { readonly sfn: SFNClient; readonly clock: Clock },
): Promise<{ readonly execution: string | undefined } | undefined> {
  const { long, short } = prefixesOf(of);
  const now = clock.now().getTime();
  const agent = name.startsWith(long) ? short + name.slice(long.length) : name;
  const input: RetirementInput = {
    agent: { name, capacityId, vendorId, pool: of.pool },
    reason,
    hook,
    deadline: new Date(now + of.drainTimeoutSeconds * 1000).toISOString(),
  };
  const bucket = reason === "scale-in" ? scaleInMilliseconds : nameMilliseconds;
  try {
    const { executionArn: execution } = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: of.workflow,
        name: `${agent}.${reason}.${Math.floor(now / bucket)}`,
        input: JSON.stringify(input),
      }),
    );
    return { execution };
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return undefined;
    throw error;
  }
}

function prefixesOf({ pool, poolName }: RetirementsOf) {
  return pool === undefined ? { long: "", short: "" } : { long: `${poolName}_`, short: `${pool}_` };
}

/**
 * Executions of the retirement workflow, named `<agent>.<reason>.<10 minutes since 1970>` (`scale-in`: one minute), so
 * that the name identifies the agent and a repeated start does nothing. The name of a pool's agent appears without the
 * fleet's name: Step Functions allows at most 80 characters. Keep it between passes: it remembers the executions that
 * it has just started.
 */
export function createRetirements(
  { workflow, drainTimeoutSeconds, poolName, pool }: RetirementsOf,
  { sfn, clock }: { readonly sfn: SFNClient; readonly clock: Clock },
): Retirements {
  const of = { workflow, drainTimeoutSeconds, poolName, pool };
  /** By agent name. */
  const justStarted = new Map<string, { readonly until: number; readonly execution: string | undefined }>();

  return {
    async running() {
      const now = clock.now().getTime();
      for (const [agent, { until }] of justStarted) if (until <= now) justStarted.delete(agent);
      const names = new Set([...(await runningRetirements(of, sfn))].map(([agent]) => agent));
      for (const [agent, { execution }] of justStarted) {
        if (names.has(agent)) continue;
        if (await hasEnded(execution)) justStarted.delete(agent);
        else names.add(agent);
      }
      return names;
    },

    async start(agent, reason, hook) {
      const started = await startRetirement(of, { agent, reason, hook }, { sfn, clock });
      if (started === undefined) return false;
      const until = clock.now().getTime() + confirmedMilliseconds;
      justStarted.set(agent.name, { until, execution: started.execution });
      return true;
    },
  };

  /** Without a clear answer, the retirement counts as running: a leaving agent must not be retired again. */
  async function hasEnded(executionArn: string | undefined): Promise<boolean> {
    if (executionArn === undefined) return false;
    try {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      return status !== undefined && status !== "RUNNING" && status !== "PENDING_REDRIVE";
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return false;
      throw error;
    }
  }
}
