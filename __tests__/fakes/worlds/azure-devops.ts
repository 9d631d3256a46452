import type { VendorRetirement } from "../../../handlers/lib/core/ports.ts";
import { createAzureDevOpsRetirement } from "../../../handlers/lib/vendors/azure-devops/retirement.ts";
import type { EventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { clientDepsOver } from "../../../scripts/simulate/world/fetch-over.ts";
import type { ListTrouble } from "../../../scripts/simulate/world/list-trouble.ts";
import type { WorldAgent } from "../../../scripts/simulate/world/model.ts";
import type { Wire } from "../../../scripts/simulate/world/wire.ts";
import { createRoutes } from "../azure-devops/routes.ts";
import { AzureDevOpsState, type FakeAgent } from "../azure-devops/state.ts";
import type { FakeAnswer, FakeRequest } from "../http-fake.ts";

interface AzureDevOpsOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly wire: Wire;
  readonly trouble: () => ListTrouble;
  readonly agents: ReadonlySet<WorldAgent>;
  readonly onUnlocked: (agent: WorldAgent) => void;
  /** Its record was deleted: it gets no job any more. */
  readonly onDeleted: (agent: WorldAgent) => void;
}

const below = "/acme/_apis/distributedtask";
const refusals = [500, 429, 403];

/**
 * The real retirement half of Azure DevOps, over a pool whose agents are those of a world. Disabling is the lock. A look
 * may be late and show a busy agent without its job, but the deletion of an agent with a job is refused.
 */
export function azureDevOpsRetirementOf(options: AzureDevOpsOptions): VendorRetirement {
  const { clock, random, trouble, agents } = options;
  const state = new AzureDevOpsState(clock);
  const [pool, other] = [state.addPool("ci"), state.addPool("other")];
  const job = state.addJob(other);
  const routes = createRoutes(state);
  const records = new Map<WorldAgent, FakeAgent>();
  const runtime = {
    type: "azure-devops",
    url: "https://dev.azure.invalid/acme",
    auth: { type: "pat" },
    pool: { name: "ci" },
    capabilities: {},
    placeholder: "keeps-the-queue-open",
  } as const;
  return createAzureDevOpsRetirement(runtime, clientDepsOver(answer, options));

  function answer(request: FakeRequest): FakeAnswer {
    const { refusedList } = trouble();
    if (request.method === "GET" && random() < refusedList) {
      return { status: refusals[Math.floor(random() * refusals.length)] ?? 500 };
    }
    show();
    const told = routes(request, request.path.slice(below.length));
    takeOver();
    return told;
  }

  /** The pool's records show what the world's agents do. */
  function show(): void {
    const { lostRecord, staleList, otherPool, emptyList } = trouble();
    for (const [agent, record] of records) {
      if (agents.has(agent) && agent.state !== "gone") continue;
      state.removeAgent(record);
      records.delete(agent);
    }
    for (const agent of agents) {
      if (agent.state !== "idle" && agent.state !== "busy") continue;
      const record = records.get(agent) ?? register(agent);
      Object.assign(record, {
        job: agent.state === "busy" ? job : undefined,
        hidden: (agent.recordLost && lostRecord > 0) || random() < otherPool || random() < emptyList,
        stale: random() < staleList,
      });
    }
  }

  /** Under the id by which the list shows it. */
  function register(agent: WorldAgent): FakeAgent {
    const added = state.addAgent(pool, agent.name);
    const record = { ...added, id: Number(agent.id) };
    state.removeAgent(added);
    state.agents.set(record.id, record);
    records.set(agent, record);
    return record;
  }

  function takeOver(): void {
    for (const [agent, record] of records) {
      if (!state.agents.has(record.id)) {
        records.delete(agent);
        options.onDeleted(agent);
      } else if (agent.locked === record.enabled) {
        agent.locked = !record.enabled;
        if (!agent.locked) options.onUnlocked(agent);
      }
    }
  }
}
