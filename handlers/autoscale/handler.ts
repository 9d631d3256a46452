import type { Decision, Snapshot } from "../lib/core/model.ts";
import { type PauseOverride, pauseReason } from "../lib/core/overrides.ts";
import type { Policy } from "../lib/core/policy.ts";
import type { Lease, Log } from "../lib/core/ports.ts";
import { decide, observationsToKeep } from "../lib/core/scaling.ts";
import { act } from "./act.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { keep, recall } from "./memory.ts";
import { observe } from "./observe.ts";
import { logDecision, recordTick } from "./report.ts";

/** How a pass ended. */
export interface PassResult {
  readonly ticks: number;
  /** `undefined`: another pass took over before the first decision. */
  readonly lastDecision: Decision | undefined;
}

/**
 * A pass ticks for less than a minute: the next schedule event continues it. The rest of the minute is room for the
 * last tick's calls.
 */
const passMilliseconds = 50_000;

/**
 * One pass over every pool of a fleet. If another pass is running, this one records its call and ends, and the running
 * pass continues for it.
 *
 * @throws errors of {@link runPools} and of the lease.
 */
export async function runFleet({
  pools,
  lease,
  log,
}: {
  readonly pools: readonly (AutoscaleDeps | Error)[];
  readonly lease: Lease;
  readonly log: Log;
}): Promise<readonly PassResult[]> {
  if (!(await lease.acquire())) {
    log.info("another pass is running and goes on in place of this one");
    return [];
  }
  try {
    return await runPools(pools);
  } finally {
    // A lease that is not released expires.
    await lease.release().catch((error) => log.warn("the lease could not be given back", { error }));
  }
}

/**
 * One pass of each pool of a fleet, in parallel. A failure in one pool does not stop the others. An Error in the place of
 * a pool is such a failure: its settings cannot be used.
 *
 * @throws the error of the one failing pool, or an AggregateError of several.
 */
export async function runPools(pools: readonly (AutoscaleDeps | Error)[]): Promise<readonly PassResult[]> {
  const passes = await Promise.allSettled(
    pools.map(async (pool) => (pool instanceof Error ? fail(pool) : runPass(pool))),
  );
  const failures = passes.flatMap((pass) => (pass.status === "rejected" ? [pass.reason] : []));
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} pools failed`);
  if (failures.length === 1) throw failures[0];
  return passes.flatMap((pass) => (pass.status === "fulfilled" ? [pass.value] : []));
}

/**
 * One pass: observe, decide, act, every `tickSeconds` while jobs wait or agents come and go, else once. Each tick looks
 * at the whole state, so the next pass needs nothing from a failed one.
 *
 * @throws errors of a tick, after counting them: the Errors metric must see them.
 */
export async function runPass(deps: AutoscaleDeps): Promise<PassResult> {
  const { clock } = deps;
  let endsAt = clock.now().getTime() + passMilliseconds;
  let lastDecision: Decision | undefined;
  await recall(deps.memory, deps.notebook);
  for (let ticks = 1; ; ticks += 1) {
    const tickStartedAt = clock.now().getTime();
    const done = await tick(deps);
    if (done === "lost the lease") return { ticks, lastDecision };
    lastDecision = done.decision;
    // Another pass was turned away meanwhile: this pass does its ticks, too.
    if (done.calledAt) endsAt = Math.max(endsAt, done.calledAt.getTime() + passMilliseconds);
    const now = clock.now().getTime();
    const nextTickAt = Math.max(now, tickStartedAt + deps.tickSeconds * 1000);
    const deadline = deps.deadline?.()?.getTime() ?? Number.POSITIVE_INFINITY;
    if (done.quiet || nextTickAt >= Math.min(endsAt, deadline)) return { ticks, lastDecision };
    await clock.sleep(nextTickAt - now);
  }
}

interface Tick {
  readonly decision: Decision;
  readonly quiet: boolean;
  readonly calledAt: Date | undefined;
}

async function tick(deps: AutoscaleDeps): Promise<Tick | "lost the lease"> {
  const startedAt = deps.clock.now();
  const observation = await observe(deps);
  const { snapshot } = observation;
  const inForce = (await deps.inForce?.()) ?? { policy: deps.policy };
  const decision = underPause(decide(snapshot, inForce.policy, deps.clock.now()), inForce.pause);
  remember(deps, decision);
  await keep(deps.memory, deps.notebook);
  // Right before acting: a pass that has taken over has a newer picture than this one.
  const lease = await deps.lease.renew();
  if (lease === undefined) {
    deps.log.warn("another pass has taken over: this one ends without acting");
    return "lost the lease";
  }
  logDecision(deps, observation, decision, inForce);
  const outcome = await act(deps, decision, observation);
  recordTick(deps, { observation, decision, outcome, startedAt, paused: inForce.pause !== undefined });
  if (outcome.errors.length > 0) {
    const [first] = outcome.errors;
    throw new AggregateError(outcome.errors, `the tick did not get everything done: ${first?.message}`);
  }
  return { decision, quiet: isQuiet(deps.policy, snapshot, decision), calledAt: lease.calledAt };
}

function underPause(decision: Decision, pause: PauseOverride | undefined): Decision {
  return pause === undefined ? decision : { ...decision, reason: pauseReason(pause) };
}

function fail(error: Error): never {
  throw error;
}

function remember({ memory, policy }: AutoscaleDeps, { wanted, circuit, load, traffic }: Decision): void {
  memory.circuit = circuit;
  memory.load = load;
  memory.traffic = traffic;
  memory.recentlyWanted = [...memory.recentlyWanted, wanted].slice(-observationsToKeep(policy));
}

const resting: ReadonlySet<string> = new Set(["idle", "unclear", "unseen"]);

function isQuiet({ departure }: Policy, { demand, agents }: Snapshot, decision: Decision): boolean {
  const inMotion = agents.some(({ state }) => !resting.has(state));
  const willScaleIn = departure === "by-retirement" && decision.supply > decision.wanted;
  const jobs = demand.queued + demand.running + (demand.expected ?? 0);
  return jobs === 0 && decision.action === "hold" && decision.retire.length === 0 && !inMotion && !willScaleIn;
}
