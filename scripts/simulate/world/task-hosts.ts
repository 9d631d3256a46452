import type { Task } from "@aws-sdk/client-ecs";
import type { EventClock } from "./event-clock.ts";

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html */
const noHost = ["RESOURCE:CPU", "RESOURCE:MEMORY", "EMPTY CAPACITY PROVIDER", "NO ACTIVE INSTANCES", "AGENT"];

interface TaskHostsOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  /** For how many tasks there is room. */
  readonly places: number;
  /** Whether they take another task now. Left out: as long as there are places. */
  readonly hasRoom?: () => boolean;
  readonly onNoHost: (task: Task, stoppedReason: string) => void;
}

/** EC2 hosts of a capacity provider that has grown as far as it may. */
export interface TaskHosts {
  /** Has a task wait for a place. `begin` is called when it has one. */
  await(task: Task, begin: () => void): void;
  /** The place of a task that has stopped is free. */
  release(task: Task): void;
}

/** Assumed. */
const lookAgainSeconds = 30;

/**
 * See {@link TaskHosts}. ECS keeps a task in PROVISIONING until one of the provider's hosts has room, and gives up after
 * ten to thirty minutes. The order in which waiting tasks get a place is assumed.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
 */
export function createTaskHosts({
  clock,
  random,
  places,
  hasRoom = () => true,
  onNoHost,
}: TaskHostsOptions): TaskHosts {
  /** Longest waiting first, and what their placing begins. */
  const waiting: { readonly task: Task; readonly begin: () => void }[] = [];
  const placed = new Set<Task>();
  let looksLater = false;

  function fill(): void {
    if (waiting.length > 0 && !hasRoom()) {
      lookLater();
      return;
    }
    while (placed.size < places && waiting.length > 0) {
      const next = waiting.shift();
      if (next?.task.desiredStatus !== "RUNNING") continue;
      placed.add(next.task);
      clock.after(1 + 9 * random(), next.begin);
    }
  }

  function lookLater(): void {
    if (looksLater) return;
    looksLater = true;
    clock.after(lookAgainSeconds, () => {
      looksLater = false;
      fill();
    });
  }

  return {
    await(task, begin) {
      waiting.push({ task, begin });
      fill();
      clock.after(600 + 1200 * random(), () => {
        const reason = noHost[Math.floor(random() * noHost.length)] ?? "";
        if (!placed.has(task)) onNoHost(task, `TaskFailedToStart: ${reason}`);
      });
    },
    release(task) {
      placed.delete(task);
      fill();
    },
  };
}
