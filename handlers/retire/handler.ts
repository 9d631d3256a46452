import { VendorApiError } from "../lib/core/errors.ts";
import type { Log, Metrics, Vendor, VendorRetirement } from "../lib/core/ports.ts";
import {
  AgentBusyError,
  type RetireAnswers,
  type RetirementEvent,
  type RetirementReason,
  retirementEvent,
} from "../lib/core/retirement.ts";

/** What one pool's agents are retired with. */
export interface RetirePool {
  readonly retirement: VendorRetirement;
  readonly vendor: Pick<Vendor, "readDemand">;
  readonly metrics: Metrics;
}

/** What the retire Lambda works with. */
export interface RetireDeps {
  /** By the pool's name; a fleet that is one pool has none. */
  readonly pools: ReadonlyMap<string | undefined, RetirePool>;
  readonly log: Log;
}

/** See {@link RetireAnswers}. */
export type RetireAnswer = RetireAnswers[keyof RetireAnswers];

/** Agents whose going says nothing about how many are wanted. */
const unplanned: ReadonlySet<RetirementReason> = new Set(["release", "spot-interruption", "rebalance"]);

/**
 * One step of a retirement. Every step may be repeated.
 *
 * - `drain` → `{ state }`.
 * - `undrain` → `{ state }`: the agent takes jobs again.
 * - `deregister` → `{ replace }`. It drains once more right before, since somebody may have lifted the lock meanwhile.
 *
 * @throws AgentBusyError when `deregister` finds the agent working; VendorApiError and whatever else went wrong.
 */
export async function handleRetire(event: unknown, { pools, log }: RetireDeps): Promise<RetireAnswer> {
  const input = retirementEvent.parse(event);
  const { step, agent, reason } = input;
  const pool = pools.get(agent.pool);
  if (pool === undefined) {
    const known = [...pools.keys()].map((name) => name ?? "one without a name");
    throw new Error(`the fleet has no pool ${agent.pool}; there is ${known.join(", ")}`);
  }
  try {
    const answer = await take(input, pool, log);
    log.info("retirement step", { step, agent: agent.name, reason, ...answer });
    return answer;
  } catch (error) {
    if (error instanceof VendorApiError) pool.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

async function take({ step, agent, reason }: RetirementEvent, pool: RetirePool, log: Log): Promise<RetireAnswer> {
  const { retirement, metrics } = pool;
  switch (step) {
    case "drain":
      return { state: await retirement.drain(agent) };
    case "undrain":
      await retirement.undrain(agent);
      metrics.record({ RetirementsAborted: 1 });
      return { state: "busy" };
    case "deregister":
      await deregister(retirement, agent);
      return { replace: unplanned.has(reason) && (await jobsWait(pool, log)) };
  }
}

async function deregister(retirement: VendorRetirement, agent: RetirementEvent["agent"]): Promise<void> {
  const state = await retirement.drain(agent);
  if (state === "gone") return;
  if (state === "busy") throw new AgentBusyError(`${agent.name} has a job after all`);
  try {
    await retirement.deregister(agent);
  } catch (error) {
    if (!(error instanceof VendorApiError && error.kind === "conflict")) throw error;
    throw new AgentBusyError(error.message, { cause: error });
  }
}

/** Without an answer an agent that left is replaced: the fleet keeps its size until the vendor tells what it wants. */
async function jobsWait({ vendor, metrics }: RetirePool, log: Log): Promise<boolean> {
  try {
    return (await vendor.readDemand()).queued > 0;
  } catch (error) {
    if (error instanceof VendorApiError) metrics.record({ VendorApiErrors: 1 });
    log.warn("the demand cannot be read: the agent gets replaced", { error });
    return true;
  }
}
