import type { RetirementReason } from "../../handlers/lib/core/retirement.ts";
import type { AsgLife } from "./asg-life.ts";
import type { EventClock } from "./event-clock.ts";
import type { WorldAgent } from "./group-world.ts";

/** What the workflow of a world works with. */
interface GroupWorkflowOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly life: AsgLife;
  readonly group: { readonly desired: number; readonly min: number };
  /** Whether the vendor shows its agents; else the instances themselves are asked. */
  readonly showsAgents: boolean;
  readonly find: (name: string) => WorldAgent | undefined;
  readonly jobsWait: () => boolean;
  /** Whether this execution ends halfway without a word. */
  readonly dies: () => boolean;
  readonly onUnlocked: (agent: WorldAgent) => void;
  /** An agent that leaves by itself was told to, and is idle. */
  readonly onToldToLeave: (agent: WorldAgent) => void;
}

const pollSeconds = 60;

/** Retirements in a world on virtual time, by the rules of the real workflow, much simplified. */
export function createGroupWorkflow(options: GroupWorkflowOptions) {
  const { clock, random, life, group, find } = options;
  const between = (low: number, high: number) => low + random() * (high - low);
  /** By execution. */
  const underWay = new Map<string, { readonly name: string; readonly reason: RetirementReason }>();
  const executions = new Set<string>();

  return {
    running: () => new Set([...underWay.values()].map(({ name }) => name)),
    /** Whether an execution keeps the hook of this instance from running out. */
    heartbeats: (name: string) =>
      [...underWay.values()].some((execution) => execution.name === name && execution.reason === "terminating"),
    /** Resolves to whether it is a new one. */
    start(name: string, reason: RetirementReason): boolean {
      const execution = `${name}.${reason}.${Math.floor(clock.seconds / (reason === "scale-in" ? 60 : 600))}`;
      if (executions.has(execution)) return false;
      executions.add(execution);
      underWay.set(execution, { name, reason });
      clock.after(between(1, 8), () => poll(execution, name, reason));
      return true;
    },
  };

  function poll(execution: string, name: string, reason: RetirementReason): void {
    const agent = find(name);
    const over = () => underWay.delete(execution);
    const hooked = reason === "terminating";
    const lifecycle = agent?.instance.lifecycle;
    if (!agent || options.dies()) return void over();
    if (agent.instance.state !== "running") {
      over();
      if (hooked) life.complete(agent.instance);
      return;
    }
    if (hooked ? lifecycle !== "Terminating:Wait" : lifecycle !== "InService") return void over();
    const state = drain(agent);
    if (state === "busy" && reason === "scale-in") {
      unlock(agent);
      return void over();
    }
    if (state === "busy") return void clock.after(pollSeconds, () => poll(execution, name, reason));
    clock.after(between(0.5, 3), () => {
      if (drain(agent) === "busy") return void clock.after(pollSeconds, () => poll(execution, name, reason));
      over();
      agent.instance.tags.set("AgentFleetsLeft", clock.now().toISOString());
      end(agent, reason);
    });
  }

  /** Locks, then looks. An agent that nobody lists is gone only by the word of its own machine. */
  function drain(agent: WorldAgent): "idle" | "busy" | "gone" {
    const { tags } = agent.instance;
    const saidNoAgent = tags.has("AgentFleetsNeverRegistered") || tags.has("AgentFleetsLeft");
    if (options.showsAgents) {
      if (!agent.listed || agent.state === "unregistered" || agent.state === "gone")
        return saidNoAgent ? "gone" : "busy";
      agent.locked = true;
      return agent.state;
    }
    agent.locked = true;
    if (agent.state === "unregistered") return saidNoAgent ? "gone" : "busy";
    if (agent.state === "idle") options.onToldToLeave(agent);
    return agent.state === "busy" ? "busy" : "gone";
  }

  function unlock(agent: WorldAgent): void {
    // Agents that were told to leave cannot be kept.
    if (!options.showsAgents) return;
    agent.locked = false;
    options.onUnlocked(agent);
  }

  function end({ instance }: WorldAgent, reason: RetirementReason): void {
    if (reason === "terminating") life.complete(instance);
    if (instance.lifecycle !== "InService") return;
    const replace = ["release", "outdated", "too-old"].includes(reason) && options.jobsWait();
    life.terminate(instance, !replace && group.desired > group.min);
  }
}
