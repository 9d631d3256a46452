import type { Decision } from "../lib/core/model.ts";
import { decide, observationsToKeep } from "../lib/core/scaling.ts";
import { act } from "./act.ts";
import { nextLookSeconds } from "./cadence.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { keep, recall } from "./memory.ts";
import { observe } from "./observe.ts";
import { logDecision, recordTick } from "./report.ts";

/** How a look at one pool ended. */
export interface PassResult {
  /** `undefined`: another pass took over before the decision. */
  readonly lastDecision: Decision | undefined;
  /** See {@link nextLookSeconds}. */
  readonly nextLookSeconds?: number | undefined;
}

/**
 * One pass over one pool: observe, decide, act. It looks at the whole state, so the next pass needs nothing from a
 * failed one.
 *
 * @throws errors of the pass, after counting them: the Errors metric must see them.
 */
export async function runPass(
  deps: AutoscaleDeps,
  called: { readonly isWoken: boolean; readonly isWakeUp: boolean } = { isWoken: false, isWakeUp: false },
): Promise<PassResult> {
  const startedAt = deps.clock.now();
  await recall(deps.memory, deps.notebook);
  const observation = await observe(deps);
  const { snapshot } = observation;
  const decision = decide(snapshot, deps.policy, deps.clock.now());
  remember(deps, decision);
  await keep(deps.memory, deps.notebook);
  // Right before acting: a pass that has taken over has a newer picture than this one.
  if (!(await deps.lease.renew())) {
    deps.log.warn("another pass has taken over: this one ends without acting");
    return { lastDecision: undefined };
  }
  logDecision(deps, observation, decision);
  const outcome = await act(deps, decision, observation);
  recordTick(deps, { observation, decision, outcome, startedAt });
  if (outcome.errors.length > 0) {
    const [first] = outcome.errors;
    throw new AggregateError(outcome.errors, `the tick did not get everything done: ${first?.message}`);
  }
  const { policy, tickSeconds } = deps;
  return {
    lastDecision: decision,
    nextLookSeconds: nextLookSeconds({ policy, tickSeconds, ...called, snapshot, decision, outcome }),
  };
}

/**
 * Earlier observations count by the tick: a look that comes sooner than that, because a webhook called, only raises the
 * last of them.
 */
function remember({ memory, policy, clock, tickSeconds }: AutoscaleDeps, { wanted, circuit, load }: Decision): void {
  memory.circuit = circuit;
  memory.load = load;
  const { recentlyWanted, wantedAt } = memory;
  const now = clock.now();
  // Calls differ in how long they take, so a tick may be a little short.
  const isSoon = wantedAt !== undefined && now.getTime() - wantedAt.getTime() < tickSeconds * 800;
  const last = recentlyWanted.at(-1);
  if (isSoon && last !== undefined) {
    memory.recentlyWanted = [...recentlyWanted.slice(0, -1), Math.max(last, wanted)];
    return;
  }
  memory.recentlyWanted = [...recentlyWanted, wanted].slice(-observationsToKeep(policy));
  memory.wantedAt = now;
}
