import { Cron } from "croner";
import type { Policy } from "./policy.ts";

type Entry = NonNullable<Policy["schedule"]>[number];

/**
 * The rules that hold at this time: `min` and `buffer` of the schedule's entry that began last. What the entry leaves
 * out is as without a schedule. Pure.
 *
 * An entry holds until the next one begins, as the scheduled actions of Auto Scaling groups do, and the parameters
 * ScaleUpSchedule and ScaleDownSchedule of Buildkite's Elastic CI Stack, which makes such actions of them. Where the
 * clocks go forward, an entry in the hour that is left out begins at its end. Where they go back, an entry in the hour
 * that comes twice begins in the first.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html
 */
export function policyAt(policy: Policy, now: Date): Policy {
  const entry = entryAt(policy.schedule ?? [], now);
  return entry ? under(policy, entry) : policy;
}

/** The rules that hold at one time or another: one for each entry of the schedule. */
export function policiesOf(policy: Policy): readonly Policy[] {
  const { schedule = [] } = policy;
  return schedule.length === 0 ? [policy] : schedule.map((entry) => under(policy, entry));
}

function under(policy: Policy, entry: Entry): Policy {
  return { ...policy, ...scheduledRules(policy, entry) };
}

/** The rules of an entry. What it leaves out is as without a schedule. */
export function scheduledRules(
  policy: Policy,
  { min = policy.min, buffer = policy.buffer }: Entry,
): Pick<Policy, "min" | "buffer"> {
  return { min, buffer };
}

/** The smallest floor that a policy ever has. */
export function lowestFloor({ min, schedule = [] }: Pick<Policy, "min" | "schedule">): number {
  return Math.min(min, ...schedule.map((entry) => entry.min ?? min));
}

/** Of two entries that begin at once, the later one in the list counts. */
function entryAt(schedule: readonly Entry[], now: Date): Entry | undefined {
  let newest: { readonly entry: Entry; readonly since: number } | undefined;
  for (const entry of schedule) {
    const since = lastBeginOf(entry, now);
    if (since !== undefined && since >= (newest?.since ?? Number.NEGATIVE_INFINITY)) newest = { entry, since };
  }
  return newest?.entry;
}

function lastBeginOf({ cron, timeZone }: Entry, now: Date): number | undefined {
  // Times are whole seconds, and those before this one are asked for: `now` is among them.
  const nextSecond = new Date(Math.floor(now.getTime() / 1000) * 1000 + 1000);
  return cronOf(cron, timeZone).previousRuns(1, nextSecond)[0]?.getTime();
}

function cronOf(cron: string, timeZone: string): Cron {
  return new Cron(cron, { mode: "5-part", timezone: timeZone });
}

/** The shortest time from one begin of an entry to the next. */
const shortestMilliseconds = 30 * 60_000;
/** So many begins show how often an entry begins. */
const beginsToCheck = 50;

/** Whether this is the name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/**
 * The error about a cron expression, as "must …"; `undefined`: it is right for a schedule.
 *
 * @param from the next times after this one are looked at
 */
export function wrongCron(cron: string, from: Date): string | undefined {
  const form = 'must be five fields, minute to day of week, such as "0 8 * * MON-FRI"';
  if (cron.trim().split(/\s+/).length !== 5) return form;
  let begins: readonly Date[];
  try {
    begins = cronOf(cron, "UTC").nextRuns(beginsToCheck, from);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error);
    return `${form}: ${why}`;
  }
  if (begins.length === 0) return "must be a time that comes: no day fits";
  const isOften = begins.some((at, index) => at.getTime() - (begins[index - 1]?.getTime() ?? 0) < shortestMilliseconds);
  return isOften
    ? "must begin at most every 30 minutes: it holds until the next entry begins. For a window, write one entry for " +
        "its begin and one for its end"
    : undefined;
}
