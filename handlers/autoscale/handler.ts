import { reportDrain } from "../lib/core/drain-report.ts";
import type { Decision } from "../lib/core/model.ts";
import { type PauseOverride, pauseReason } from "../lib/core/overrides.ts";
import { decide, observationsToKeep } from "../lib/core/scaling.ts";
import { act } from "./act.ts";
import { nextLookSeconds } from "./cadence.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { lookAtImage } from "./image-age.ts";
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
  const inForce = (await deps.inForce?.(observation.kept)) ?? { policy: deps.policy };
  const decision = underPause(decide(snapshot, inForce.policy, deps.clock.now(), deps.policy), inForce.pause);
  remember(deps, decision);
  await lookAtImage(deps, decision);
  await keep(deps.memory, deps.notebook);
  // Right before acting: a pass that has taken over has a newer picture than this one.
  if (!(await deps.lease.renew())) {
    deps.log.warn("another pass has taken over: this one ends without acting");
    return { lastDecision: undefined };
  }
  logDecision(deps, observation, decision, inForce);
  if (inForce.drain) await reportDrain(deps, snapshot.agents);
  const outcome = await act(deps, decision, observation);
  const { pause, policy } = inForce;
  const imageBuiltAt = deps.memory.image?.builtAt;
  recordTick(deps, {
    observation,
    decision,
    outcome,
    startedAt,
    paused: pause !== undefined,
    max: policy.max,
    imageBuiltAt,
  });
  if (outcome.errors.length > 0) {
    const [first] = outcome.errors;
    throw new AggregateError(outcome.errors, `the tick did not get everything done: ${first?.message}`);
  }
  const { tickSeconds } = deps;
  return {
    lastDecision: decision,
    nextLookSeconds: nextLookSeconds({ ...inForce, tickSeconds, ...called, snapshot, decision, outcome }),
  };
}

function underPause(decision: Decision, pause: PauseOverride | undefined): Decision {
  return pause === undefined ? decision : { ...decision, reason: pauseReason(pause) };
}

/**
 * Earlier observations count by the tick: a look that comes sooner than that, because a webhook called, only raises the
 * last of them.
 */
function remember(
  { memory, policy, clock, tickSeconds }: AutoscaleDeps,
  { wanted, circuit, load, traffic }: Decision,
): void {
  memory.circuit = circuit;
  memory.load = load;
  memory.traffic = traffic;
  const { recentlyWanted, wantedAt } = memory;
  const now = clock.now();
  // Calls differ in how long they take, so a tick may be a little short. Containers differ in their clocks: a time far
  // ahead of ours must not stop the count.
  const isSoon = wantedAt !== undefined && Math.abs(now.getTime() - wantedAt.getTime()) < tickSeconds * 800;
  const last = recentlyWanted.at(-1);
  if (isSoon && last !== undefined) {
    memory.recentlyWanted = [...recentlyWanted.slice(0, -1), Math.max(last, wanted)];
    return;
  }
  memory.recentlyWanted = [...recentlyWanted, wanted].slice(-observationsToKeep(policy));
  memory.wantedAt = now;
}
