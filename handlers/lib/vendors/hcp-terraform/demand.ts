import type { Demand } from "../../core/model.ts";
import type { StartedJob } from "../../core/waits.ts";
import { isFinalRunStatus, runStatuses } from "./run-status.ts";

/** The fields of a run that counting needs. */
export interface CountedRun {
  readonly workspaceId: string;
  /** A speculative plan: it waits for no other run of its workspace. */
  readonly planOnly: boolean;
  readonly status: string;
  /** When it entered its present state. */
  readonly since: Date;
  /** If an agent works on it: when that began, and how long it had waited. Left out: unknown. */
  readonly started?: StartedJob | undefined;
}

/** A person decides whether and when the run needs an agent. */
const waitingForPerson = runStatuses(
  "planned",
  "planned_and_saved",
  "cost_estimated",
  "policy_checked",
  "policy_override",
  "post_plan_completed",
  "pre_plan_awaiting_decision",
  "post_plan_awaiting_decision",
  "pre_apply_awaiting_decision",
);

/** An agent works on it. */
const running = runStatuses("planning", "applying");

/** It waits for an agent: https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#run-states. */
const queued = runStatuses("plan_queued", "apply_queued");

/** HCP Terraform, a run task or a policy works on it, and the run needs an agent next, or for a part of it. */
const onTheWay = runStatuses(
  "fetching",
  "fetching_completed",
  "pre_plan_running",
  "pre_plan_completed",
  "queuing",
  "cost_estimating",
  "policy_checking",
  "post_plan_running",
  "confirmed",
  "queuing_apply",
  "pre_apply_running",
  "pre_apply_completed",
);

/** The states that concern agents. In all others, a run is final, waits for a person, or waits for another run. */
export const agentStatuses: readonly string[] = [...queued, ...running, ...onTheWay];

/** A run that stays in such a stage for longer hangs, and no agent can end that. */
const onTheWayMilliseconds = 2 * 60_000;

/** Counts runs of the runs API: `pending` means behind another run of the workspace or behind a lock. */
export function demandOfRuns(runs: Iterable<CountedRun>, now: Date): Demand {
  return count(runs, now, queued);
}

/**
 * Counts runs from notifications. There is no notification of `plan_queued`: the last known state of a run that waits
 * for its first agent is `pending`, so that counts, once per workspace.
 */
export function demandOfSeenRuns(runs: Iterable<CountedRun>, now: Date): Demand {
  return count(runs, now, new Set([...queued, "pending"]));
}

/** Later ones hide earlier ones in a workspace. */
const phases = ["expected", "queued", "running"] as const;

interface Job {
  readonly phase: (typeof phases)[number];
  readonly since: Date;
  readonly started: StartedJob | undefined;
}

/** One job per plan-only run and one per workspace for the others, since a workspace runs one at a time. */
function count(runs: Iterable<CountedRun>, now: Date, waiting: ReadonlySet<string>): Demand {
  const jobs = new Map<unknown, Job>();
  for (const run of runs) {
    const phase = phaseOf(run, now, waiting);
    if (phase === undefined) continue;
    const key = run.planOnly ? run : run.workspaceId;
    jobs.set(key, later(jobs.get(key), { phase, since: run.since, started: run.started }));
  }
  const of = (phase: Job["phase"]) => [...jobs.values()].filter((job) => job.phase === phase);
  const waits = of("queued").map(({ since }) => since.getTime());
  const expected = of("expected").length;
  const started = of("running").flatMap((job) => job.started ?? []);
  return {
    queued: waits.length,
    running: of("running").length,
    oldestQueuedAt: waits.length > 0 ? new Date(waits.reduce((a, b) => Math.min(a, b))) : undefined,
    ...(started.length > 0 && { started }),
    ...(expected > 0 && { expected }),
  };
}

/** An unknown state counts as expected, but not for long. */
function phaseOf({ status, since }: CountedRun, now: Date, waiting: ReadonlySet<string>): Job["phase"] | undefined {
  if (running.has(status)) return "running";
  if (waiting.has(status)) return "queued";
  if (status === "pending" || isFinalRunStatus(status) || waitingForPerson.has(status)) return undefined;
  return now.getTime() - since.getTime() < onTheWayMilliseconds ? "expected" : undefined;
}

function later(known: Job | undefined, job: Job): Job {
  if (known === undefined) return job;
  const [first, last] = [known, job].sort((a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase)) as [Job, Job];
  return first.phase === last.phase && first.since < last.since ? first : last;
}
