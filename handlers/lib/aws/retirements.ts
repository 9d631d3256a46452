import {
  ExecutionAlreadyExists,
  paginateListExecutions,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Clock, Retirements } from "../core/ports.ts";
import type { RetirementInput } from "../core/retirement.ts";
import type { RetirementsConfig } from "../settings/retirements.ts";

/** What is started with the same name is not started twice; after so long it has another name. */
const bucketMilliseconds = 600_000;
/** ListExecutions may not show a new execution for a while; until then we remember it ourselves. */
const confirmedMilliseconds = 15_000;
const executionName = /^(?<agent>.+)\.[a-z-]+\.\d+$/;

/** Whose retirements: those of a fleet, or of one of its pools. */
type RetirementsOf = RetirementsConfig & {
  readonly pool?: string | undefined;
  /** Begins the names of the pool's agents. */
  readonly fleet: string;
};

/**
 * Executions of the retirement workflow, named `<agent>.<reason>.<10 minutes since 1970>`, so that the name alone tells
 * whose they are and makes a repeated start a single one. Of a pool's agents the name leaves the fleet out: Step Functions
 * takes no more than 80 characters. Keep it between passes: it remembers what it has just started.
 */
export function createRetirements(
  { workflow, drainTimeoutSeconds, fleet, pool }: RetirementsOf,
  { sfn, clock }: { readonly sfn: SFNClient; readonly clock: Clock },
): Retirements {
  const [longPrefix, shortPrefix] = pool === undefined ? ["", ""] : [`${fleet}_`, `${pool}_`];
  /** By agent name. */
  const justStarted = new Map<string, { readonly until: number }>();

  return {
    async running() {
      const now = clock.now().getTime();
      for (const [agent, { until }] of justStarted) if (until <= now) justStarted.delete(agent);
      const names = new Set(justStarted.keys());
      const query = { stateMachineArn: workflow, statusFilter: "RUNNING" } as const;
      for await (const { executions = [] } of paginateListExecutions({ client: sfn, pageSize: 1000 }, query)) {
        for (const { name = "" } of executions) {
          const agent = executionName.exec(name)?.groups?.agent;
          if (agent?.startsWith(shortPrefix)) names.add(longPrefix + agent.slice(shortPrefix.length));
        }
      }
      return names;
    },

    async start({ name, capacityId, vendorId }, reason, hook) {
      const now = clock.now().getTime();
      const agent = name.startsWith(longPrefix) ? shortPrefix + name.slice(longPrefix.length) : name;
      const input: RetirementInput = {
        agent: { name, capacityId, vendorId, pool },
        reason,
        hook,
        deadline: new Date(now + drainTimeoutSeconds * 1000).toISOString(),
      };
      try {
        await sfn.send(
          new StartExecutionCommand({
            stateMachineArn: workflow,
            name: `${agent}.${reason}.${Math.floor(now / bucketMilliseconds)}`,
            input: JSON.stringify(input),
          }),
        );
        justStarted.set(name, { until: now + confirmedMilliseconds });
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },
  };
}
