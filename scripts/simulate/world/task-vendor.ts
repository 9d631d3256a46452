import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { Retirements, Vendor, VendorAgent, VendorRetirement } from "../../../handlers/lib/core/ports.ts";
import type { EventClock } from "./event-clock.ts";
import { createLists, rowsOf } from "./list-trouble.ts";
import type { Job, WorldAgent, WorldSettings } from "./model.ts";
import { silentLog, silentMetrics } from "./silence.ts";
import type { TaskTrouble } from "./task-trouble.ts";
import type { Wire } from "./wire.ts";
import { createWorldWorkflow, retirementsOver } from "./workflow.ts";

/** A vendor of tasks is made of these. */
export interface TaskVendorOptions {
  readonly retirementOf: (options: TaskVendorOptions) => VendorRetirement;
  readonly clock: EventClock;
  readonly random: () => number;
  readonly wire: Wire;
  readonly settings: Pick<WorldSettings, "showsAgents">;
  readonly trouble: () => TaskTrouble;
  readonly agents: Set<WorldAgent>;
  readonly queue: readonly Job[];
  readonly onUnlocked: (agent: WorldAgent) => void;
  /** Its record is deleted: it gets no job any more. */
  readonly onDeleted: (agent: WorldAgent) => void;
  /** The workflow stops its task. */
  readonly onRetired: (capacityId: string) => void;
  readonly onViolation: (what: string) => void;
}

const foreign: readonly VendorAgent[] = (["idle", "busy", "offline", "gone"] as const).map((state) => ({
  id: `foreign-${state}`,
  name: `other_${state}`,
  state,
}));

/** HCP Terraform or Azure DevOps as the loop sees them, and the retirements of the latter. */
export function createTaskVendor(options: TaskVendorOptions): {
  readonly vendor: Vendor;
  readonly retirements: Retirements;
} {
  const { clock, random, wire, settings, trouble, agents, queue } = options;
  const lists = createLists({ clock, random, trouble, own: listed, foreign });
  const vendor = createVendor();
  const workflow = createWorldWorkflow({
    clock,
    random,
    retire: {
      pools: new Map([[undefined, { retirement: options.retirementOf(options), vendor, metrics: silentMetrics }]]),
      log: silentLog,
    },
    isStanding: () => true,
    end: ({ agent }) => options.onRetired(agent.capacityId),
    dies: () => random() < trouble().workflowDies,
  });
  everyMinute();
  return { vendor, retirements: retirementsOver(workflow, wire, options.onViolation) };

  function everyMinute(): void {
    clock.after(60, () => {
      for (const agent of agents) {
        if (agent.state === "busy" && random() < trouble().lostRecord) agent.recordLost = true;
      }
      everyMinute();
    });
  }

  function listed(): VendorAgent[] {
    const { lostRecord } = trouble();
    return [...agents].flatMap(({ id, name, state, locked, recordLost }) => {
      if (state === "unregistered" || (recordLost && lostRecord > 0)) return [];
      return { id, name, state: locked && state === "idle" ? ("draining" as const) : state };
    });
  }

  function createVendor(): Vendor {
    const down = () => new VendorApiError("unavailable", "down");
    return {
      readDemand: () =>
        wire(() => {
          // A vendor that shows no agents does not show either that a job waits for its next agent.
          const waiting = queue.filter(({ stagesDone }) => settings.showsAgents || stagesDone === 0);
          const running = queue.length - waiting.length + [...agents].filter(({ job }) => job).length;
          return { queued: waiting.length, running, oldestQueuedAt: waiting[0]?.queuedAt };
        }, down),
      listAgents: () => wire(() => (settings.showsAgents ? rowsOf(lists()) : undefined), down),
      removeAgent: (id) => wire(() => remove(id), down),
    };
  }

  /** The vendor refuses to delete an agent that works; it would not be asked to. */
  function remove(id: string): void {
    if (foreign.some((agent) => agent.id === id)) options.onViolation(`the record ${id} was removed`);
    for (const agent of agents) {
      if (agent.id !== id) continue;
      if (agent.state === "gone") agents.delete(agent);
      else options.onViolation(`the record of ${agent.name} was removed`);
    }
  }
}
