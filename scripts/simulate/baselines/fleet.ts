import type { Trouble } from "../faults.ts";
import type { EventClock } from "../world/event-clock.ts";
import type { createFleetWorld } from "../world/fleet-world.ts";
import type { WorldAgent, WorldEvent } from "../world/model.ts";

/** An agent as a baseline sees it. */
export interface BaselineAgent {
  readonly name: string;
  readonly state: "starting" | "idle" | "busy";
  /** Seconds since the start. */
  readonly launchedAt: number;
}

/** How an agent ended by itself: after its job, because it was idle for too long, or before it registered. */
export type Leaving = "after-job" | "idle" | "failed";

/** A policy of another system. It knows the world by its fleet only. */
export interface Baseline {
  readonly name: string;
  readonly singleUse: boolean;
  /** After so long without a job an agent ends by itself; left out: never. */
  readonly idleTimeoutSeconds?: number;
  /** Begins the policy. */
  start(fleet: BaselineFleet): void;
}

/** What a look at the vendor shows. */
export interface Look {
  readonly queued: number;
  readonly running: number;
  readonly agents: readonly BaselineAgent[];
}

/** The simulated fleet of a {@link Baseline}: the same world that our loop runs in. */
export interface BaselineFleet {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly min: number;
  readonly max: number;
  /** Agents that live and do not leave, as AWS knows them at this moment. */
  agents(): readonly BaselineAgent[];
  /** How many machines AWS counts: those of {@link agents}, and those whose end it has not noticed. */
  size(): number;
  /** How many tasks are not at their end, also those whose agent has left: no more than `max` of them may be there. */
  tasks(): number;
  /** A look at the vendor. Takes a moment; rejects where its API is down. */
  look(): Promise<Look>;
  /** Jobs that wait at this moment, without a look: for the bounds only. */
  queued(): number;
  /** Launches agents at once, in one call. Those that AWS refuses do not come. */
  launch(count: number): void;
  /** Ends an agent, and after this time its job if it still has one. Until then it takes no new job. */
  end(name: string, graceSeconds?: number): void;
  /** Calls back for each notification of the vendor, with losses and doubles. */
  onWebhook(callback: (event: "queued" | "ended") => void): void;
  /** Calls back for each change at once: for the bounds only. */
  onChange(callback: () => void): void;
  /** Calls back when AWS notices that an agent has ended by itself. */
  onLeft(callback: (how: Leaving) => void): void;
  /** Calls `pass` every `seconds`, and counts the time that it takes as a function's. A pass that fails is skipped. */
  every(seconds: number, pass: () => Promise<void> | void): void;
  /** Counts an invocation of a function that takes so long. */
  ran(seconds: number): void;
}

interface FleetOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly world: ReturnType<typeof createFleetWorld>;
  readonly min: number;
  readonly max: number;
  readonly trouble: Trouble;
  readonly onCall: (to: "aws" | "vendor") => void;
}

interface Entry {
  readonly name: string;
  readonly launchedAt: number;
  agent?: WorldAgent;
  state: WorldAgent["state"];
  leaving?: Leaving | "ended";
}

/** See {@link BaselineFleet}. `observe` must get the world's events. */
export function createBaselineFleet({ clock, random, world, min, max, trouble, onCall }: FleetOptions) {
  const webhooks: ((event: "queued" | "ended") => void)[] = [];
  const watchers: (() => void)[] = [];
  const leaves: ((how: Leaving) => void)[] = [];
  const usage = { invocations: 0, seconds: 0 };
  /** By the ARN of the task. */
  const living = new Map<string, Entry>();
  /** By their ARNs, until ECS has cleaned up. */
  const tasks = new Set<string>();
  let names = 0;

  const fleet: BaselineFleet = {
    clock,
    random,
    min,
    max,
    agents,
    size: () => [...living.values()].filter(({ leaving }) => leaving !== "ended").length,
    tasks: () => tasks.size,
    async look() {
      onCall("vendor");
      await clock.sleep(50 + random() * 250);
      trouble.askVendor();
      const shown = agents();
      return { queued: world.queued, running: shown.filter(({ state }) => state === "busy").length, agents: shown };
    },
    queued: () => world.queued,
    launch(count) {
      if (count > 0) onCall("aws");
      for (let left = count; left > 0; left -= 1) {
        names += 1;
        world.launch(`b${names}`);
      }
    },
    end(name, graceSeconds = 0) {
      onCall("aws");
      const entry = [...living.values()].find((each) => each.name === name && !each.leaving);
      if (!entry?.agent) return;
      entry.leaving = "ended";
      world.end(entry.agent, graceSeconds);
    },
    onWebhook: (callback) => void webhooks.push(callback),
    onChange: (callback) => void watchers.push(callback),
    onLeft: (callback) => void leaves.push(callback),
    every(seconds, pass) {
      const next = async () => {
        const from = clock.seconds;
        // The next pass looks anew, as a function that failed does.
        await Promise.resolve(pass()).catch(() => undefined);
        fleet.ran(clock.seconds - from);
      };
      const again = () => {
        void next();
        clock.after(seconds, again);
      };
      clock.after(random() * seconds, again);
    },
    ran(seconds) {
      usage.invocations += 1;
      usage.seconds += seconds;
    },
  };
  return { fleet, usage, observe };

  function agents(): BaselineAgent[] {
    return [...living.values()].flatMap(({ name, launchedAt, state, leaving }) =>
      leaving ? [] : [{ name, launchedAt, state: state === "idle" || state === "busy" ? state : "starting" }],
    );
  }

  function notify(event: "queued" | "ended"): void {
    for (let left = trouble.deliveries(); left > 0; left -= 1) {
      clock.after(0.5 + random() * 1.5, () => {
        for (const callback of webhooks) callback(event);
      });
    }
  }

  function observe(event: WorldEvent): void {
    if (event.type === "called") return;
    if (event.type === "queued") notify("queued");
    // A run whose agent died has failed. The one that begins anew is queued again.
    if (event.type === "job-left") notify("ended");
    if (event.type === "launched") {
      const name = event.task.overrides?.containerOverrides?.[0]?.environment?.[0]?.value ?? "";
      tasks.add(String(event.task.taskArn));
      living.set(String(event.task.taskArn), { name, launchedAt: clock.seconds, state: "unregistered" });
    }
    if (event.type === "agent") seen(event.agent);
    if (event.type === "stopped") tasks.delete(String(event.task.taskArn));
    if (event.type === "stopping") gone(String(event.task.taskArn));
    for (const callback of watchers) callback();
  }

  function seen(agent: WorldAgent): void {
    const entry = living.get(String(agent.task.taskArn));
    if (!entry) return;
    entry.agent = agent;
    if (agent.state !== "gone") entry.state = agent.state;
    else entry.leaving ??= entry.state === "busy" ? "after-job" : entry.state === "idle" ? "idle" : "failed";
  }

  function gone(task: string): void {
    const leaving = living.get(task)?.leaving ?? "failed";
    living.delete(task);
    if (leaving === "ended") return;
    for (const callback of leaves) callback(leaving);
  }
}
