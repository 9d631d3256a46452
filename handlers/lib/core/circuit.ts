import type { Agent, Circuit, Launch, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";

type Seen = Pick<Snapshot, "launches" | "agents" | "circuit">;

/**
 * The circuit breaker after one more look: pure and total. It opens if too many launches failed, both in number and as a
 * share. Once open, it stays so until a launch that began later has worked, or until no failure is left to count. After
 * a launch that worked, earlier failures count no more.
 *
 * Launches whose result is not known yet count as launched, so a fleet that boots many agents at once does not stop
 * because the failures among them show first.
 */
export function circuitAfter(seen: Seen, policy: Policy, now: Date): Circuit {
  const { launches, circuit } = seen;
  if (circuit.openSince !== undefined) {
    if (workedLast(seen, policy, now) > circuit.openSince.getTime()) return { closedAt: now };
    return launches.some(hasFailed) ? circuit : {};
  }
  const { closedAt } = circuit;
  const counted = launches.filter(({ at }) => closedAt === undefined || at > closedAt);
  if (!counted.some(hasFailed)) return circuit;
  const workedAt = workedLast(seen, policy, now);
  // Without the second count, a busy fleet whose every launch fails from now on would go on for most of an hour.
  const sinceLastGood = counted.filter(({ at }) => at.getTime() > workedAt);
  const isOpen = tooManyFailed(counted, policy) || tooManyFailed(sinceLastGood, policy);
  return isOpen ? { openSince: now } : circuit;
}

/** Whether an open circuit lets one launch through to try: the last one is over, and was long enough ago. */
export function isTrialDue({ launches, agents }: Seen, { openSince }: Circuit, policy: Policy, now: Date): boolean {
  if (openSince === undefined || agents.some(({ state }) => state === "starting" || state === "ordered")) return false;
  const last = [...launches.map(({ at }) => at), ...agents.map(({ launchedAt }) => launchedAt)].reduce(
    (latest, at) => Math.max(latest, at.getTime()),
    openSince.getTime(),
  );
  return now.getTime() - last >= policy.circuitTrialSeconds * 1000;
}

/** How many of the launches failed, in words. */
export function failedOf(launches: readonly Launch[]): string {
  return `${launches.filter(hasFailed).length} of ${launches.length}`;
}

function tooManyFailed(launches: readonly Launch[], policy: Policy): boolean {
  const failed = launches.filter(hasFailed).length;
  return failed >= policy.maxFailedLaunchesPerHour && failed * 100 >= policy.maxFailedLaunchesPercent * launches.length;
}

function hasFailed({ result }: Launch): boolean {
  return result === "failed";
}

/** When the newest launch began that is known to have worked, in milliseconds since 1970. */
function workedLast({ launches, agents }: Seen, { registrationGraceSeconds }: Policy, now: Date): number {
  const graceEnds = now.getTime() - registrationGraceSeconds * 1000;
  const isAtWork = ({ state, launchedAt }: Agent) =>
    state === "idle" || state === "busy" || (state === "unclear" && launchedAt.getTime() < graceEnds);
  return [
    ...launches.flatMap(({ at, result }) => (result === "worked" ? at : [])),
    ...agents.filter(isAtWork).map(({ launchedAt }) => launchedAt),
  ].reduce((latest, at) => Math.max(latest, at.getTime()), Number.NEGATIVE_INFINITY);
}
