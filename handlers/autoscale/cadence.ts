import type { Decision, Snapshot } from "../lib/core/model.ts";
import type { Policy } from "../lib/core/policy.ts";
import { countStates } from "../lib/core/supply.ts";
import type { Outcome } from "./act.ts";

/** The time to the next look depends on these. */
interface Seen {
  readonly policy: Policy;
  /** Seconds between two looks while something waits. */
  readonly tickSeconds: number;
  /** Whether the vendor's webhook wakes this fleet. Then nobody has to look for new jobs. */
  readonly isWoken: boolean;
  /** Whether a webhook asked for this look. */
  readonly isWakeUp: boolean;
  readonly snapshot: Snapshot;
  readonly decision: Decision;
  readonly outcome: Pick<Outcome, "launched">;
}

const scheduleSeconds = 60;

/**
 * Seconds from the start of a look to the next one. 0: at once, because one look launches only so many, and more are
 * wanted. `undefined`: the next minute of the schedule is soon enough.
 */
export function nextLookSeconds(seen: Seen): number | undefined {
  if (!seen.policy.enabled) return undefined;
  if (isCutShort(seen)) return 0;
  const isUrgent = !seen.isWoken || isShort(seen) || isGivingUp(seen);
  if (!isUrgent && !isInMotion(seen)) return undefined;
  const seconds = isUrgent ? seen.tickSeconds : 3 * seen.tickSeconds;
  return seconds < scheduleSeconds ? seconds : undefined;
}

function isCutShort({ policy, decision: { launch, supply, wanted, circuitOpen }, outcome }: Seen): boolean {
  const isFull = launch.length >= policy.maxAddedPerTick && outcome.launched === launch.length;
  return isFull && !circuitOpen && supply + outcome.launched < wanted;
}

/** Jobs wait that no agent comes for. */
function isShort({ snapshot: { demand }, decision, outcome }: Seen): boolean {
  return decision.supply + outcome.launched < decision.wanted || (decision.atCeiling && demand.queued > 0);
}

/** Agents and orders go, or will. */
function isGivingUp({ policy, snapshot: { agents }, decision }: Seen): boolean {
  const { ordered, retiring } = countStates(agents);
  const isSurplus = decision.supply > decision.wanted;
  const isRetiring = policy.departure === "by-retirement" && (isSurplus || retiring > 0);
  const { action, retire, discard } = decision;
  return isRetiring || (isSurplus && ordered > 0) || action === "scale-in" || retire.length > 0 || discard.length > 0;
}

const resting: ReadonlySet<string> = new Set(["idle", "busy", "unclear", "unseen"]);

/** Agents come or go, or somebody told of something new. A look finds what fails, and jobs that no webhook told of. */
function isInMotion({ isWakeUp, snapshot: { demand, agents }, decision }: Seen): boolean {
  const waiting = demand.queued + (demand.expected ?? 0) + decision.launch.length;
  return isWakeUp || waiting > 0 || agents.some(({ state }) => !resting.has(state));
}
