import type { Decision, Snapshot } from "../lib/core/model.ts";
import type { Policy } from "../lib/core/policy.ts";
import { decide } from "../lib/core/scaling.ts";
import { act } from "./act.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { observe } from "./observe.ts";
import { logDecision, recordTick } from "./report.ts";

/** How a pass ended. */
export interface PassResult {
  readonly ticks: number;
  readonly lastDecision: Decision;
}

/**
 * A pass ticks for less than a minute: the next schedule event continues it, and its wake-ups are dropped meanwhile.
 * What is left of the minute is room for the last tick's calls.
 */
const passMilliseconds = 50_000;

/**
 * One pass: observe, decide, act, every `tickSeconds` while there is demand or anything in motion, once when quiet.
 * Level-triggered, so a pass that fails leaves nothing behind that the next one has to know.
 *
 * @throws whatever a tick threw, after counting it: the Errors metric must see it.
 */
export async function runPass(deps: AutoscaleDeps): Promise<PassResult> {
  const { clock } = deps;
  const startedAt = clock.now().getTime();
  for (let ticks = 1; ; ticks += 1) {
    const tickStartedAt = clock.now().getTime();
    const { decision, quiet } = await tick(deps);
    const now = clock.now().getTime();
    const nextTickAt = Math.max(now, tickStartedAt + deps.tickSeconds * 1000);
    if (quiet || nextTickAt - startedAt >= passMilliseconds) return { ticks, lastDecision: decision };
    await clock.sleep(nextTickAt - now);
  }
}

/**
 * One pass of each pool of a fleet, side by side: what fails for one holds up no other.
 *
 * @throws what the one failing pool threw, or an AggregateError of several.
 */
export async function runPools(pools: readonly AutoscaleDeps[]): Promise<readonly PassResult[]> {
  const passes = await Promise.allSettled(pools.map(runPass));
  const failures = passes.flatMap((pass) => (pass.status === "rejected" ? [pass.reason] : []));
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} pools failed`);
  if (failures.length === 1) throw failures[0];
  return passes.flatMap((pass) => (pass.status === "fulfilled" ? [pass.value] : []));
}

async function tick(deps: AutoscaleDeps): Promise<{ decision: Decision; quiet: boolean }> {
  const startedAt = deps.clock.now();
  const observation = await observe(deps);
  const { snapshot } = observation;
  const decision = decide(snapshot, deps.policy, deps.clock.now());
  remember(deps, decision.wanted);
  logDecision(deps, snapshot, decision);
  const outcome = await act(deps, decision, observation);
  recordTick(deps, { snapshot, decision, outcome, startedAt });
  if (outcome.errors.length > 0) {
    const [first] = outcome.errors;
    throw new AggregateError(outcome.errors, `the tick did not get everything done: ${first?.message}`);
  }
  return { decision, quiet: isQuiet(deps.policy, snapshot, decision) };
}

function remember({ memory, policy }: AutoscaleDeps, wanted: number): void {
  const earlier = policy.scaleInAfterObservations - 1;
  memory.recentlyWanted = earlier > 0 ? [...memory.recentlyWanted, wanted].slice(-earlier) : [];
}

function isQuiet({ departure }: Policy, { demand, agents }: Snapshot, decision: Decision): boolean {
  const inMotion = agents.some((agent) => agent.state !== "idle" && agent.state !== "unclear");
  const willScaleIn = departure === "by-retirement" && decision.supply > decision.wanted;
  const jobs = demand.queued + demand.running + (demand.expected ?? 0);
  return jobs === 0 && decision.action === "hold" && decision.dismiss.length === 0 && !inMotion && !willScaleIn;
}
