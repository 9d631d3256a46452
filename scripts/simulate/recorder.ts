import { createTimeline, type Timeline } from "./timeline.ts";
import type { EventClock } from "./world/event-clock.ts";
import type { Job, SeenAgent, WorldEvent } from "./world/model.ts";

/** What agents are doing, by which their hours are counted. `leaving`: their task still ends. */
const phases = ["boot", "idle", "busy", "leaving"] as const;
type Phase = (typeof phases)[number];

const phaseOf = {
  unregistered: "boot",
  idle: "idle",
  busy: "busy",
  draining: "idle",
  offline: "idle",
  gone: "leaving",
} as const;

/** What one run came to. Times in seconds, but for `hours`. */
export interface RunRecord {
  readonly jobs: number;
  /** Jobs that began. */
  readonly served: number;
  readonly neverServed: number;
  /**
   * From the queue to the first start. A job that never began counts with its wait until the end.
   */
  readonly wait: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
  /** All waits, the shortest first. */
  readonly waits: Float64Array;
  readonly timeline: Timeline;
  readonly hours: Readonly<{ [Each in Phase]: number }>;
  readonly launches: number;
  /** The most agents at once that start, idle or work. The ceiling is for these. */
  readonly peak: number;
  /**
   * The most tasks or instances at once, those that still end among them. A group may have more of them than its ceiling:
   * Auto Scaling replaces an instance as soon as it begins to end.
   */
  readonly peakMachines: number;
  /** Jobs whose agent the policy ended. They begin anew. */
  readonly killed: number;
  /** Jobs whose agent died by itself or was reclaimed by AWS. They begin anew. */
  readonly lost: number;
  readonly calls: { readonly aws: number; readonly vendor: number };
}

/** Counts what happens in a world. */
export interface Recorder {
  observe(event: WorldEvent<SeenAgent>): void;
  /** See {@link TimelineRecorder}. */
  sample(): void;
  /** Jobs that have come and are not done. */
  readonly open: number;
  /** Jobs that have come. */
  readonly jobs: number;
  record(): RunRecord;
}

/** See {@link Recorder}. */
export function createRecorder(clock: EventClock): Recorder {
  const agents = new Map<string, { phase: Phase; since: number }>();
  const queuedAt = new Map<Job, number>();
  const open = new Set<Job>();
  const waits: number[] = [];
  const seconds = { boot: 0, idle: 0, busy: 0, leaving: 0 };
  const counts = { jobs: 0, launches: 0, peak: 0, peakMachines: 0, killed: 0, lost: 0 };
  let present = 0;
  const calls = { aws: 0, vendor: 0 };
  const { sample, change, timeline } = createTimeline(clock);

  return {
    observe,
    sample,
    get open() {
      return open.size;
    },
    get jobs() {
      return counts.jobs;
    },
    record() {
      for (const [task, { phase }] of agents) enter(task, phase);
      const neverServed = [...queuedAt.values()].map((since) => clock.seconds - since);
      const sorted = Float64Array.from([...waits, ...neverServed]).sort();
      const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
      const hours = { boot: 0, idle: 0, busy: 0, leaving: 0 };
      for (const phase of phases) hours[phase] = seconds[phase] / 3600;
      return {
        ...counts,
        calls,
        hours,
        served: waits.length,
        neverServed: neverServed.length,
        wait: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
        waits: sorted,
        timeline,
      };
    },
  };

  function observe(event: WorldEvent<SeenAgent>): void {
    switch (event.type) {
      case "called":
        calls[event.to] += 1;
        break;
      case "queued":
        if (open.has(event.job)) break;
        open.add(event.job);
        change("demand", 1);
        queuedAt.set(event.job, clock.seconds);
        counts.jobs += 1;
        break;
      case "launched":
        counts.launches += 1;
        enter(String(event.task.taskArn), "boot");
        counts.peakMachines = Math.max(counts.peakMachines, agents.size);
        break;
      case "agent": {
        const { task, state, job } = event.agent;
        // A vendor may see the end of an agent after ECS.
        if (agents.has(String(task.taskArn))) enter(String(task.taskArn), phaseOf[state]);
        if (job) begin(job);
        break;
      }
      case "job-left":
        if (event.how === "done") {
          if (open.delete(event.job)) change("demand", -1);
        } else counts[event.how === "ended" ? "killed" : "lost"] += 1;
        break;
      case "stopped":
        enter(String(event.task.taskArn), "leaving");
        agents.delete(String(event.task.taskArn));
        break;
    }
  }

  function begin(job: Job): void {
    const since = queuedAt.get(job);
    if (since === undefined) return;
    queuedAt.delete(job);
    waits.push(clock.seconds - since);
  }

  function count(phase: Phase, by: number): void {
    if (phase === "leaving") return;
    present += by;
    change(phase === "boot" ? "starting" : phase, by);
  }

  function enter(task: string, phase: Phase): void {
    const before = agents.get(task);
    if (before) {
      seconds[before.phase] += clock.seconds - before.since;
      count(before.phase, -1);
    }
    count(phase, 1);
    counts.peak = Math.max(counts.peak, present);
    agents.set(task, { phase, since: clock.seconds });
  }
}
