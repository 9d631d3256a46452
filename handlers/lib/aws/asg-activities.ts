import { type Activity, type AutoScalingClient, paginateDescribeScalingActivities } from "@aws-sdk/client-auto-scaling";
import type { Clock } from "../core/ports.ts";
import type { AsgCapacityConfig } from "../settings/asg-capacity.ts";
import { classifyActivityMessage } from "./asg-launch-failures.ts";
import { hourMilliseconds } from "./launch-failures.ts";

/** DescribeScalingActivities gives no more. */
const pageSize = 100;

/** What a group has done lately. */
export interface RecentActivity {
  /** When each instance was launched, or taken from the warm pool, which is later than EC2's launch time. */
  readonly launchedAt: ReadonlyMap<string, Date>;
  /** Instances of the last hour that ended by themselves at boot. */
  readonly endedAtBoot: readonly string[];
  /** Launches of the last hour that AWS tried in vain because of a wrong setting. */
  readonly misconfigured: number;
}

interface Entry {
  readonly startedAt: Date;
  readonly what: "launch" | "termination";
  readonly instance: string | undefined;
  /** `undefined`: not over. */
  readonly outcome: "done" | "misconfigured" | "failed" | undefined;
  readonly byItself: boolean;
}

/**
 * Reads a group's scaling activities of the last hour, which AWS keeps for six weeks: they tell after any cold start what
 * came of the launches. Newest first, and no further than to what it knows already, since AWS limits the rate of these
 * calls. Keep it between passes.
 *
 * @param bootSeconds so young an instance that ends by itself was launched in vain: its boot gave up and powered it off
 */
export function createActivityReader(
  { group, bootSeconds }: Pick<AsgCapacityConfig, "group" | "bootSeconds">,
  { autoScaling, clock }: { readonly autoScaling: AutoScalingClient; readonly clock: Clock },
): () => Promise<RecentActivity> {
  const bootMilliseconds = bootSeconds * 1000;
  /** By activity id. */
  const known = new Map<string, Entry>();

  return async () => {
    const now = clock.now().getTime();
    // Far enough to find, for every instance that ended within the last hour, whether it had only just been launched.
    const horizon = now - hourMilliseconds - bootMilliseconds;
    for (const [id, { startedAt }] of known) if (startedAt.getTime() < horizon) known.delete(id);
    /** Launches of which the outcome is still to be told, however deep in the list. */
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
        // Activities in progress come first, however old they are.
        if (!entry || entry.startedAt.getTime() >= horizon) {
          if (entry) known.set(id, entry);
        } else if (entry.outcome) pastTheHorizon = true;
      }
      if (pastTheHorizon || (metTheKnown && awaited.size === 0)) break;
    }
    return summary([...known.values()], now - hourMilliseconds, bootMilliseconds);
  };
}

function entryOf(activity: Activity): Entry | undefined {
  const { Description: description = "", Cause: cause = "", StartTime: startedAt } = activity;
  const what = /^(?:Launching|Terminating)/.exec(description)?.[0] === "Launching" ? "launch" : "termination";
  if (startedAt === undefined || !/^(?:Launching|Terminating)/.test(description)) return undefined;
  return {
    startedAt,
    what,
    instance: /\bi-[0-9a-z]+/.exec(description)?.[0],
    outcome: outcomeOf(activity),
    byItself: /indicating it has been terminated or stopped/i.test(cause),
  };
}

function outcomeOf({ StatusCode: status, StatusMessage: message = "" }: Activity): Entry["outcome"] {
  if (status === "Successful" || status === "Cancelled") return "done";
  if (status !== "Failed") return undefined;
  return classifyActivityMessage(message) === "configuration" ? "misconfigured" : "failed";
}

function summary(entries: readonly Entry[], hourAgo: number, bootMilliseconds: number): RecentActivity {
  const launchedAt = new Map<string, Date>();
  for (const { what, instance, startedAt } of entries) {
    const known = instance && launchedAt.get(instance);
    if (what === "launch" && instance && !(known && known > startedAt)) launchedAt.set(instance, startedAt);
  }
  const lastHour = entries.filter(({ startedAt }) => startedAt.getTime() > hourAgo);
  return {
    launchedAt,
    endedAtBoot: lastHour.flatMap(({ what, instance = "", startedAt, byItself }) => {
      const launched = launchedAt.get(instance);
      const lived = launched && startedAt.getTime() - launched.getTime();
      return what === "termination" && byItself && lived !== undefined && lived < bootMilliseconds ? [instance] : [];
    }),
    misconfigured: lastHour.filter(({ what, outcome }) => what === "launch" && outcome === "misconfigured").length,
  };
}
