import * as z from "zod";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { Vendor, VendorAgent, VendorRetirement } from "../../../handlers/lib/core/ports.ts";
import { createSemaphoreRetirement } from "../../../handlers/lib/vendors/semaphore/retirement.ts";
import { createSpaceliftRetirement } from "../../../handlers/lib/vendors/spacelift/retirement.ts";
import { vendorAgent } from "../../../handlers/lib/vendors/spacelift/worker.ts";
import type { EventClock } from "./event-clock.ts";
import { clientDepsOver, type FakeAnswer, type FakeRequest } from "./fetch-over.ts";
import type { GroupAgent, GroupWorldSettings } from "./group-model.ts";
import { createLists, type ListTrouble, rowsOf } from "./list-trouble.ts";
import type { Job } from "./model.ts";
import type { Wire } from "./wire.ts";

/** A vendor's agents as the loop and the workflow of a group world see them. */
interface Records {
  /** One look at its list; throws where the vendor refuses one. `undefined`: it has none. */
  list(): readonly VendorAgent[] | undefined;
  /** The real code, over a vendor on virtual time. */
  readonly retirement: VendorRetirement;
}

interface GroupVendorOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly wire: Wire;
  readonly trouble: () => ListTrouble & { readonly garbageMetadata: number };
  readonly agents: ReadonlyMap<string, GroupAgent>;
  readonly queue: readonly Job[];
  readonly onUnlocked: (agent: GroupAgent) => void;
  /** An agent that leaves by itself was told to, and is idle. */
  readonly onToldToLeave: (agent: GroupAgent) => void;
  readonly onViolation: (what: string) => void;
}

/** Spacelift, or Semaphore, whose agents leave by themselves. */
export function createGroupVendor(
  departure: GroupWorldSettings["departure"],
  options: GroupVendorOptions,
): { readonly vendor: Vendor; readonly retirement: VendorRetirement } {
  const { wire, agents, queue, onViolation } = options;
  const { list, retirement } = departure === "by-itself" ? semaphoreOf(options) : spaceliftOf(options);
  const down = () => new VendorApiError("unavailable", "down");
  const vendor: Vendor = {
    readDemand: () =>
      wire(() => {
        const running = [...agents.values()].filter(({ state }) => state === "busy").length;
        return { queued: queue.length, running, oldestQueuedAt: queue[0]?.queuedAt };
      }, down),
    listAgents: () => wire(list, down),
    removeAgent: async (id) => onViolation(`the record ${id} was removed`),
  };
  return { vendor, retirement };
}

const config = {
  type: "spacelift",
  endpoint: "https://acme.app.spacelift.invalid",
  apiKeyId: "key",
  workerPoolId: "pool",
  group: "ci",
} as const;

const foreignWorkers = [
  { id: "other-idle", busy: false, drained: false, metadata: '{"asg_id":"other","instance_id":"i-f0000001"}' },
  { id: "other-busy", busy: true, drained: false, metadata: '{"asg_id":"other","instance_id":"i-f0000002"}' },
  { id: "other-drained", busy: true, drained: true, metadata: '{"asg_id":"other","instance_id":"i-f0000003"}' },
];

/** What workers said of their machine in public bug reports, and worse. */
const garbage = ["", "{", "null", "{}", '{"instance_id":""}', '{"asg_id":"ci","instance_id":null}'];

/**
 * Spacelift. Draining is its lock: a drained worker takes no run, and the answer to the mutation is the truth, however late
 * lists are (createSpaceliftRetirement). That a list may be late, and a record lost, is assumed.
 */
function spaceliftOf({ clock, random, wire, trouble, agents, onUnlocked }: GroupVendorOptions): Records {
  const workerOf = (agent: GroupAgent) => ({
    id: `worker-${agent.instance.id}`,
    busy: agent.state === "busy",
    drained: agent.locked,
    metadata: metadataOf(agent),
  });
  const list = createLists({ clock, random, trouble, own: () => known().map(workerOf), foreign: foreignWorkers });
  return {
    list: () => rowsOf(list()).map((worker) => vendorAgent({ ...worker, availableAt: undefined }, config)),
    retirement: createSpaceliftRetirement(config, clientDepsOver(answer, { clock, random, wire })),
  };

  function known(): GroupAgent[] {
    const { lostRecord } = trouble();
    const there = [...agents.values()].filter(({ state }) => state === "idle" || state === "busy");
    return there.filter(({ recordLost }) => !recordLost || lostRecord === 0);
  }

  function metadataOf({ instance: { id }, garbled }: GroupAgent): string {
    const good = JSON.stringify({ asg_id: "ci", instance_id: id });
    return garbled >= trouble().garbageMetadata ? good : (garbage[Number(id.slice(2)) % garbage.length] ?? "");
  }

  function answer({ body }: FakeRequest): FakeAnswer {
    const { query, variables } = posted.parse(JSON.parse(body.toString()));
    if (query.includes("apiKeyUser")) return data({ apiKeyUser: { jwt: "test-session", validUntil: 4_000_000_000 } });
    if (query.includes("workerDrainSet")) return drain(variables.worker, variables.drain === true);
    const listing = list();
    if ("refused" in listing) return { status: listing.refused };
    return data({ workerPool: { workers: listing.rows } });
  }

  function drain(id: unknown, locked: boolean): FakeAnswer {
    const agent = known().find((each) => workerOf(each).id === id);
    if (!agent) return { status: 200, json: { data: null, errors: [{ message: "worker not found" }] } };
    agent.locked = locked;
    if (!locked) onUnlocked(agent);
    return data({ workerDrainSet: workerOf(agent) });
  }
}

const posted = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()) });
const data = (fields: object): FakeAnswer => ({ status: 200, json: { data: fields } });

/**
 * Semaphore: no list, and the machine itself is asked by SSM. `drain` of agents/semaphore/boot.sh is the lock: it tells
 * the agent, or the boot that has not started one yet, to stop, and an agent with a job stays.
 */
function semaphoreOf({ wire, agents, onToldToLeave }: GroupVendorOptions): Records {
  return {
    list: () => undefined,
    retirement: createSemaphoreRetirement(
      { type: "semaphore", address: "https://acme.semaphoreci.invalid" },
      {
        instances: {
          run: (id) =>
            wire(
              () => drainOn(agents.get(id)),
              () => new Error(`${id} did not answer in time`),
            ),
        },
      },
    ),
  };

  function drainOn(agent: GroupAgent | undefined): string | undefined {
    if (!agent) return undefined;
    if (agent.instance.state !== "running") throw new Error("it did not answer in time");
    agent.locked = true;
    if (agent.state === "busy") return "busy";
    if (agent.state === "idle") onToldToLeave(agent);
    return "idle";
  }
}
