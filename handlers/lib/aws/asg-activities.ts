import { type Activity, type AutoScalingClient, paginateDescribeScalingActivities } from "@aws-sdk/client-auto-scaling";
import type { Clock } from "../core/ports.ts";
import type { AsgCapacityConfig } from "../settings/asg-capacity.ts";
import { countingLaunches } from "./asg-launch-failures.ts";
import { forgetAllBut } from "./forget.ts";
import { countingLastHour, type FailedLaunch, hourMilliseconds, meaningOf } from "./launch-failures.ts";

/** Largest page of DescribeScalingActivities. */
const pageSize = 100;

/** After a cold start, failures of the last minute count as new. The schedule reads every minute. */
const untoldMilliseconds = 60_000;

/** One launch of a group. */
export interface GroupLaunch {
  readonly at: Date;
  readonly instance: string | undefined;
  /** Whether it failed in a way that counts towards the circuit. */
  readonly failed: boolean;
}

/** The recent activities of a group. */
export interface RecentActivity {
  /** When each instance was launched, or left the warm pool, which is later than EC2's launch time. */
  readonly launchedAt: ReadonlyMap<string, Date>;
  /** Instances that ended at boot within the last hour: by themselves, or because EC2's status checks failed. */
  readonly endedAtBoot: readonly string[];
  /** The launches of the last hour, as far as the group knows their result. AWS had room for them. */
  readonly launches: readonly GroupLaunch[];
  /** When AWS last had no capacity for a launch, as far as the list was read. */
  readonly lastShortage: Date | undefined;
  /** Failed launches that the last reading did not report. */
  readonly newFailures: readonly FailedLaunch[];
}

interface Entry {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly what: "launch" | "termination";
  readonly instance: string | undefined;
  /** `undefined`: not over. */
  readonly outcome: "done" | "withdrawn" | FailedLaunch | undefined;
  /** For a termination during boot: the reason that AWS saw. */
  readonly symptom: "has ended" | "fails status checks" | undefined;
  /** AWS's text about a termination. */
  readonly cause: string;
}

/**
 * Reads a group's scaling activities of the last hour. AWS keeps them for six weeks, so the results of launches are
 * known even after a cold start. Reads the newest first and stops at known ones, since AWS limits the rate of these
 * calls. Keep it between passes.
 *
 * @param bootSeconds a younger instance that ends by itself is a failed launch: its boot gave up and powered it off
 */
export function createActivityReader(
  { group, bootSeconds }: Pick<AsgCapacityConfig, "group" | "bootSeconds">,
  { autoScaling, clock }: { readonly autoScaling: AutoScalingClient; readonly clock: Clock },
): () => Promise<RecentActivity> {
  const bootMilliseconds = bootSeconds * 1000;
  /** By activity id. */
  const known = new Map<string, Entry>();
  /** Ids of the activities whose failure was already reported. */
  const told = new Set<string>();
  let isFirstReading = true;

  return async () => {
    const now = clock.now().getTime();
    // Far enough back to find the launch of every instance that ended at boot within the last hour.
    const horizon = now - hourMilliseconds - bootMilliseconds;
    for (const [id, { startedAt }] of known) if (startedAt.getTime() < horizon) known.delete(id);
    /** Launches without a reported result, anywhere in the list. */
    const awaited = new Set(
      [...known].filter(([, { what, outcome }]) => what === "launch" && !outcome).map(([id]) => id),
    );

    for await (const page of paginateDescribeScalingActivities(
      { client: autoScaling, pageSize },
      { AutoScalingGroupName: group },
    )) {
      let metTheKnown = false;
      let pastTheHorizon = false;
      for (const activity of page.Activities ?? []) {
        const { ActivityId: id = "" } = activity;
        const entry = entryOf(activity);
        awaited.delete(id);
        if (known.get(id)?.outcome) metTheKnown = true;
        // Activities in progress come first, even old ones.
        if (!entry || entry.startedAt.getTime() >= horizon) {
          if (entry) known.set(id, entry);
        } else if (entry.outcome) pastTheHorizon = true;
      }
      if (pastTheHorizon || (metTheKnown && awaited.size === 0)) break;
    }
    const entries = [...known.values()];
    return { ...summary(entries, new Date(now), bootMilliseconds), newFailures: untold(known, now) };
  };

  /** Failures that the last reading did not report. */
  function untold(entries: ReadonlyMap<string, Entry>, now: number): FailedLaunch[] {
    forgetAllBut(told, entries);
    const failures = [...entries].flatMap(([id, entry]) => {
      const failure = failureOf(entry);
      return failure && !told.has(id) ? [{ id, failure }] : [];
    });
    for (const { id } of failures) told.add(id);
    const since = isFirstReading ? now - untoldMilliseconds : Number.NEGATIVE_INFINITY;
    isFirstReading = false;
    return failures.flatMap(({ failure }) => (failure.at.getTime() > since ? [failure] : []));
  }
}

/** The failed launch in an activity, with AWS's reason. @returns `undefined` for any other activity */
export function launchFailureOf(activity: Activity): FailedLaunch | undefined {
  const entry = entryOf(activity);
  return entry && failureOf(entry);
}

function entryOf(activity: Activity): Entry | undefined {
  const { Description: description = "", Cause: cause = "", StartTime: startedAt } = activity;
  const verb = /^(?:Launching|Terminating)/.exec(description)?.[0];
  if (startedAt === undefined || verb === undefined) return undefined;
  return {
    startedAt,
    endedAt: activity.EndTime ?? startedAt,
    what: verb === "Launching" ? "launch" : "termination",
    instance: /\bi-[0-9a-z]+/.exec(description)?.[0],
    outcome: outcomeOf(activity),
    symptom: symptomOf(cause),
    cause,
  };
}

/** @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html */
function symptomOf(cause: string): Entry["symptom"] {
  if (/indicating it has been terminated or stopped/i.test(cause)) return "has ended";
  return /status checks? failure/i.test(cause) ? "fails status checks" : undefined;
}

/**
 * A launch that ends before the instance is in service is `Cancelled`. A failed one has a reason: a volume key without
 * permission, a boot that gave up, a hook that timed out.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
 */
function outcomeOf(activity: Activity): Entry["outcome"] {
  const { StatusCode: status, StatusMessage: message = "", StartTime, EndTime } = activity;
  if (status === "Successful") return "done";
  if (status !== "Failed" && status !== "Cancelled") return undefined;
  const hasFailed = status === "Failed" || /termination reason|unhealthy|failed/i.test(message);
  if (!hasFailed || /Client\.UserInitiated/.test(message)) return "withdrawn";
  return { ...meaningOf(message), message, at: EndTime ?? StartTime ?? new Date(0) };
}

/** The failure in an activity: a failed launch, or an instance that never passed its status checks. */
function failureOf({ what, outcome, symptom, cause, startedAt }: Entry): FailedLaunch | undefined {
  if (what === "launch") return typeof outcome === "object" ? outcome : undefined;
  return symptom === "fails status checks" ? { ...meaningOf(cause), message: cause, at: startedAt } : undefined;
}

function summary(entries: readonly Entry[], now: Date, bootMilliseconds: number): Omit<RecentActivity, "newFailures"> {
  const launches = entries.filter(({ what }) => what === "launch");
  const launchedAt = new Map<string, Date>();
  for (const { instance, startedAt } of launches) {
    const known = instance && launchedAt.get(instance);
    if (instance && !(known && known > startedAt)) launchedAt.set(instance, startedAt);
  }
  const failures = launches.flatMap(({ outcome }) => (typeof outcome === "object" ? [outcome] : []));
  const successes = launches.flatMap(({ outcome, endedAt }) => (outcome === "done" ? [endedAt.getTime()] : []));
  const shortages = failures.flatMap(({ kind, at }) => (kind === "capacity" ? [at.getTime()] : []));
  /** AWS also ends the instance of a failed launch. */
  const countedAlready = new Set(
    launches.flatMap(({ instance, outcome }) => (typeof outcome === "object" ? [instance] : [])),
  );
  return {
    launchedAt,
    endedAtBoot: entries.flatMap(({ what, instance = "", startedAt, symptom }) => {
      if (what !== "termination" || !symptom || countedAlready.has(instance)) return [];
      const launched = launchedAt.get(instance);
      const lived = launched && startedAt.getTime() - launched.getTime();
      const isRecent = startedAt.getTime() > now.getTime() - hourMilliseconds;
      return isRecent && lived !== undefined && lived < bootMilliseconds ? [instance] : [];
    }),
    lastShortage: shortages.length > 0 ? new Date(Math.max(...shortages)) : undefined,
    launches: recentLaunches(
      launches,
      new Set(countingLastHour(countingLaunches(failures, new Date(Math.max(...successes))), now)),
      now,
    ),
  };
}

function recentLaunches(launches: readonly Entry[], counting: ReadonlySet<FailedLaunch>, now: Date): GroupLaunch[] {
  return launches.flatMap(({ outcome, startedAt: at, instance }) => {
    const failed = typeof outcome === "object" && counting.has(outcome);
    const isRecent = at.getTime() > now.getTime() - hourMilliseconds;
    const isLaunch = outcome !== "withdrawn" && !(typeof outcome === "object" && outcome.blocks === "never");
    return failed || (isRecent && isLaunch) ? [{ at, instance, failed }] : [];
  });
}
