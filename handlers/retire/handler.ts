import { VendorApiError } from "../lib/core/errors.ts";
import type { AgentFact, InstanceGroup, Log, Metrics, Vendor, VendorRetirement } from "../lib/core/ports.ts";
import {
  AgentBusyError,
  type RetireAnswers,
  type RetirementEvent,
  type RetirementReason,
  retirementEvent,
} from "../lib/core/retirement.ts";

/** The dependencies for one pool. */
export interface RetirePool {
  readonly retirement: VendorRetirement;
  readonly vendor: Pick<Vendor, "readDemand">;
  readonly metrics: Metrics;
  /** Whether the pool may have agents now. `false`: it is being drained, or has a ceiling of 0. Left out: it may. */
  readonly mayHaveAgents?: (() => Promise<boolean>) | undefined;
}

/** The dependencies of the retire Lambda. */
export interface RetireDeps {
  /** By the pool's key; `undefined` in a fleet of one pool. May throw where the pool's settings cannot be read. */
  readonly pools: { get(key: string | undefined): RetirePool | undefined | Promise<RetirePool> };
  /** Only in fleets on instances. */
  readonly group?: Pick<InstanceGroup, "wordOf" | "note" | "starting"> | undefined;
  readonly log: Log;
}

/** See {@link RetireAnswers}. */
export type RetireAnswer = RetireAnswers[keyof RetireAnswers];

/** Reasons that do not mean that the fleet needs fewer agents. */
const unplanned: ReadonlySet<RetirementReason> = new Set(["release", "spot-interruption", "outdated", "too-old"]);

/**
 * One step of a retirement. Every step may be repeated.
 *
 * - `drain` → `{ state }`. `stays`: the agent was to go because it never registered, and that holds no longer.
 * - `undrain` → `{ state }`: the agent takes jobs again.
 * - `deregister` → `{ replace }`. It drains again right before, since somebody may have lifted the lock meanwhile.
 * - `forget` → `{ replace }`: deletes the record of an agent whose machine is dead or unknown by AWS's answer.
 *
 * @throws AgentBusyError when `deregister` finds the agent working; VendorApiError and any other failure.
 */
export async function handleRetire(event: unknown, deps: RetireDeps): Promise<RetireAnswer> {
  const { pools, log } = deps;
  const input = retirementEvent.parse(event);
  const { step, agent, reason } = input;
  const pool = await pools.get(agent.pool);
  if (pool === undefined) throw new Error(`the fleet has no pool ${agent.pool ?? "without a key"}`);
  try {
    const answer = await take(input, pool, deps);
    log.info("retirement step", { step, agent: agent.name, reason, ...answer });
    return answer;
  } catch (error) {
    if (error instanceof VendorApiError) pool.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

async function take(input: RetirementEvent, pool: RetirePool, deps: RetireDeps): Promise<RetireAnswer> {
  const { retirement, metrics } = pool;
  const { step, agent, reason } = input;
  switch (step) {
    case "drain":
      return { state: await drain(input, pool, deps) };
    case "undrain":
      await retirement.undrain(agent);
      metrics.record({ RetirementsAborted: 1 });
      return { state: "busy" };
    case "deregister":
      if (await deregister(input, pool, deps)) metrics.record({ Retired: 1 });
      return { replace: await isReplaced(reason, pool, deps) };
    case "forget":
      await retirement.deregister(agent);
      return { replace: await isReplaced(reason, pool, deps) };
  }
}

/**
 * A silent agent is a busy one that somebody should look at. An agent that its vendor does not list is gone only by the
 * word of its own machine; else it may work elsewhere. While the vendor lists one that nobody can place, only the word
 * that it left counts.
 */
async function drain(
  { agent, reason }: RetirementEvent,
  { retirement, metrics }: RetirePool,
  { group, log }: RetireDeps,
): Promise<RetireAnswers["drain"]["state"]> {
  const word = () => group?.wordOf(agent.capacityId);
  // The machine may have said meanwhile that its agent registered after all.
  if (reason === "never-registered" && !saysThatItHasNone(await word())) return "stays";
  const state = await retirement.drain(agent);
  if (state === "silent") {
    metrics.record({ AgentsSilent: 1 });
    log.warn("the agent was told to leave and does not answer: it may still work, so nothing stops it", {
      agent: agent.name,
      instance: agent.capacityId,
    });
    return "busy";
  }
  if (state !== "unseen" && state !== "unmatched") return state;
  const said = reason === "release" ? "left" : await word();
  if (said === "left" || (state === "unseen" && saysThatItHasNone(said))) return "gone";
  log.warn("the vendor does not list the agent, which proves nothing: it is taken for busy", {
    agent: agent.name,
    state,
  });
  return "busy";
}

function saysThatItHasNone(word: AgentFact | undefined): boolean {
  return word === "left" || word === "never-registered";
}

/**
 * @returns whether this retirement took the agent out: an agent that was gone when a hook's retirement came was taken
 * out by another one, or had left by itself
 */
async function deregister(input: RetirementEvent, pool: RetirePool, deps: RetireDeps): Promise<boolean> {
  const { agent, reason } = input;
  const state = await drain(input, pool, deps);
  if (state === "gone") return reason !== "terminating";
  if (state !== "idle") throw new AgentBusyError(`${agent.name} has a job after all`);
  try {
    await pool.retirement.deregister(agent);
  } catch (error) {
    if (!(error instanceof VendorApiError && error.kind === "conflict")) throw error;
    throw new AgentBusyError(error.message, { cause: error });
  }
  // The hook's execution comes next and finds no record at the vendor, so it needs this proof.
  await deps.group?.note(agent.capacityId, "left");
  return true;
}

async function isReplaced(reason: RetirementReason, pool: RetirePool, deps: RetireDeps): Promise<boolean> {
  return unplanned.has(reason) && (await jobsLackAgents(pool, deps));
}

/**
 * Whether more jobs wait than agents start that will take them, and the pool may have agents. Without an answer, an agent
 * that left is replaced: the fleet keeps its size until the demand is known.
 */
async function jobsLackAgents(
  { vendor, metrics, mayHaveAgents }: RetirePool,
  { group, log }: RetireDeps,
): Promise<boolean> {
  try {
    if ((await mayHaveAgents?.()) === false) return false;
    const starting = (await group?.starting()) ?? 0;
    return (await vendor.readDemand({ enough: starting + 1 })).queued > starting;
  } catch (error) {
    if (error instanceof VendorApiError) metrics.record({ VendorApiErrors: 1 });
    log.warn("nobody can say whether jobs need another agent: this one will be replaced", { error });
    return true;
  }
}
