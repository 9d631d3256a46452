import type { AgentReference, Retirements } from "../../../handlers/lib/core/ports.ts";
import { AgentBusyError, type RetirementReason } from "../../../handlers/lib/core/retirement.ts";
import { handleRetire, type RetireDeps } from "../../../handlers/retire/handler.ts";
import type { EventClock } from "./event-clock.ts";
import type { Wire } from "./wire.ts";

/** One retirement. */
export interface Execution {
  readonly agent: AgentReference;
  readonly reason: RetirementReason;
}

/** What the workflow of a world works with. */
interface WorkflowOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  /** The retire Lambda's, whose code is the real one. */
  readonly retire: RetireDeps;
  /** Called before each round. Whether there still is something to retire. */
  readonly isStanding: (execution: Execution) => boolean;
  /** Ends the machine of an agent that is drained and deregistered. */
  readonly end: (execution: Execution, replace: boolean) => void;
  /** Whether this execution ends halfway without a word. */
  readonly dies: () => boolean;
}

/** Retirements of a world on virtual time. */
export interface WorldWorkflow {
  /** Names of the agents whose retirement is under way. */
  running(): ReadonlySet<string>;
  /** Whether an execution keeps the hook of this instance from running out. */
  heartbeats(name: string): boolean;
  /** @returns whether it is a new one */
  start(agent: AgentReference, reason: RetirementReason): boolean;
}

const pollSeconds = 60;

/**
 * See {@link WorldWorkflow}. The rounds of the real definition, with the real answers of the retire Lambda, but without
 * its retries. The definition is tested by itself, in workflow.properties.test.ts.
 */
export function createWorldWorkflow({ clock, random, retire, ...options }: WorkflowOptions): WorldWorkflow {
  const between = (low: number, high: number) => low + random() * (high - low);
  const underWay = new Map<string, Execution>();
  const names = new Set<string>();

  return {
    running: () => new Set([...underWay.values()].map(({ agent }) => agent.name)),
    heartbeats: (name) =>
      [...underWay.values()].some(({ agent, reason }) => agent.name === name && reason === "terminating"),
    start(agent, reason) {
      const name = `${agent.name}.${reason}.${Math.floor(clock.seconds / (reason === "scale-in" ? 60 : 600))}`;
      if (names.has(name)) return false;
      names.add(name);
      underWay.set(name, { agent, reason });
      clock.after(between(1, 8), () => void round(name, { agent, reason }));
      return true;
    },
  };

  async function round(name: string, execution: Execution): Promise<void> {
    if (options.isStanding(execution) && !options.dies()) {
      const went = await retireOnce(execution).catch((error) => {
        if (error instanceof AgentBusyError) return "busy" as const;
        return "failed" as const;
      });
      if (typeof went === "object") {
        await clock.sleep(between(200, 2_000));
        options.end(execution, went.replace);
      } else if (execution.reason === "scale-in") {
        await ask(execution, "undrain").catch(() => undefined);
      } else {
        clock.after(pollSeconds, () => void round(name, execution));
        return;
      }
    }
    underWay.delete(name);
  }

  async function retireOnce(execution: Execution): Promise<"busy" | { readonly replace: boolean }> {
    const drained = await ask(execution, "drain");
    if ("state" in drained && drained.state === "busy") return "busy";
    const left = await ask(execution, "deregister");
    return { replace: "replace" in left && left.replace };
  }

  function ask({ agent: { name, capacityId, vendorId }, reason }: Execution, step: "drain" | "undrain" | "deregister") {
    return handleRetire({ step, agent: { name, capacityId, vendorId }, reason }, retire);
  }
}

/** A world's workflow as the loop reaches it. Only agents of ours may be retired: others' names begin with `other`. */
export function retirementsOver(workflow: WorldWorkflow, wire: Wire, onViolation: (what: string) => void): Retirements {
  const down = () => new Error("states are down");
  return {
    running: () => wire(() => workflow.running(), down),
    start: (agent, reason) =>
      wire(() => {
        if (agent.name.startsWith("other")) onViolation(`${agent.name} was to be retired`);
        return workflow.start(agent, reason);
      }, down),
  };
}
