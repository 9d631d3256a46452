import type { TraceJob } from "./trace-job.ts";
import type { EventClock } from "./world/event-clock.ts";
import type { Job, SeenAgent, WorldEvent } from "./world/model.ts";

interface FeedOptions {
  readonly clock: EventClock;
  /** The world whose agents may take this job. */
  readonly worldOf: (job: TraceJob) => { queueJob(stageSeconds: readonly number[]): Job };
  /** In the order of their submission. */
  readonly jobs: readonly TraceJob[];
}

/**
 * Queues the jobs of a trace at their times. Jobs of one workspace wait for one another outside the queue: no agent
 * could take them.
 *
 * @returns must be told of all that happens in the world
 */
export function feedJobs({ clock, worldOf, jobs }: FeedOptions): (event: WorldEvent<SeenAgent>) => void {
  /** By workspace: the jobs behind the one that is queued or running. */
  const lines = new Map<string, TraceJob[]>();
  const workspaceOf = new Map<Job, string>();
  let next = 0;
  feed();

  return (event) => {
    if (event.type !== "job-left" || event.how !== "done") return;
    const workspace = workspaceOf.get(event.job);
    if (workspace === undefined) return;
    workspaceOf.delete(event.job);
    const following = lines.get(workspace)?.shift();
    // The job has not left its agent yet.
    if (following) clock.after(0, () => queue(following, workspace));
    else lines.delete(workspace);
  };

  /** Only the next job is an event: a trace may have very many. */
  function feed(): void {
    const job = jobs[next];
    next += 1;
    if (!job) return;
    clock.after(job.at - clock.seconds, () => {
      submit(job);
      feed();
    });
  }

  function submit(job: TraceJob): void {
    const { workspace } = job;
    if (workspace === undefined) {
      worldOf(job).queueJob([job.seconds]);
      return;
    }
    const line = lines.get(workspace);
    if (line) line.push(job);
    else {
      lines.set(workspace, []);
      queue(job, workspace);
    }
  }

  function queue(job: TraceJob, workspace: string): void {
    workspaceOf.set(worldOf(job).queueJob([job.seconds]), workspace);
  }
}
