import { describe, expect, it } from "vitest";
import { AgentBusyError, type RetirementReason } from "../../../../../handlers/lib/core/retirement.ts";
import type { AzureDevOpsRuntime } from "../../../../../handlers/lib/settings/vendors/azure-devops.ts";
import { createAzureDevOps } from "../../../../../handlers/lib/vendors/azure-devops/client.ts";
import { createAzureDevOpsRetirement } from "../../../../../handlers/lib/vendors/azure-devops/retirement.ts";
import { handleRetire } from "../../../../../handlers/retire/handler.ts";
import { createRoutes } from "../../../../fakes/azure-devops/routes.ts";
import { AzureDevOpsState, type FakeAgent } from "../../../../fakes/azure-devops/state.ts";
import { createFakeClock } from "../../../../fakes/clock.ts";
import { createLogFake, createMetricsFake } from "../../../../fakes/log.ts";

/** What goes wrong with one of our requests, or with all from it on. */
interface Trouble {
  readonly at: number;
  readonly kind: "refused" | "answer-lost" | "answer-cut" | "sign-in" | "hidden";
  readonly lasting: boolean;
}

/** What happens at the vendor: each at a moment, which is right before our request of that number, or before StopTask. */
interface Story {
  readonly reason?: RetirementReason;
  readonly events: readonly (readonly [moment: number, happens: (world: World) => void])[];
  readonly trouble?: Trouble;
}

interface World {
  readonly state: AzureDevOpsState;
  readonly agent: FakeAgent;
}

/** How it ended. */
interface End extends World {
  readonly moments: number;
  readonly stopped: boolean;
  /** The workflow went to its end, or gave up. */
  readonly gaveUp: boolean;
  readonly killedJob: boolean;
}

const attemptsPerStep = 2;
const polls = 6;

/** The path of the workflow through one retirement, see stacks/constructs/retirement-definition.ts, over the real client. */
async function retire({ reason = "scale-in", events, trouble }: Story): Promise<End> {
  const clock = createFakeClock();
  const state = new AzureDevOpsState(clock);
  const pool = state.addPool("aws");
  state.addAgent(pool, "keeps-the-queue-open", { status: "offline" });
  const world: World = { state, agent: state.addAgent(pool, "ci_1") };
  const routes = createRoutes(state);
  let moments = 0;
  const moment = () => {
    for (const [at, happens] of events) if (at === moments) happens(world);
    moments += 1;
  };

  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input));
    const number = moments;
    moment();
    const hit = trouble && (trouble.lasting ? number >= trouble.at : number === trouble.at) ? trouble.kind : undefined;
    if (hit === "refused") return new Response("", { status: 500 });
    if (hit === "sign-in") return new Response("<html>", { status: 203 });
    if (hit === "hidden") return new Response("{}", { status: 404 });
    const { status, json } = routes(
      {
        method: init?.method ?? "GET",
        path: url.pathname,
        query: url.searchParams,
        headers: {},
        body: Buffer.from(String(init?.body ?? "")),
      },
      url.pathname.slice("/_apis/distributedtask".length),
    );
    if (hit === "answer-lost") throw new TypeError("terminated");
    const text = json === undefined ? null : JSON.stringify(json);
    return new Response(hit === "answer-cut" ? (text?.slice(0, -1) ?? "") : text, {
      status: text === null ? 204 : status,
    });
  };

  const config: AzureDevOpsRuntime = {
    type: "azure-devops",
    url: "http://fake",
    auth: { type: "pat" },
    pool: { id: pool.id, name: pool.name },
    capabilities: {},
    placeholder: "keeps-the-queue-open",
  };
  const deps = { clock, fetch, readToken: () => Promise.resolve("test-pat") };
  const metrics = createMetricsFake();
  const pools = new Map([
    [
      undefined,
      { retirement: createAzureDevOpsRetirement(config, deps), vendor: createAzureDevOps(config, deps), metrics },
    ],
  ]);

  async function take(step: "drain" | "undrain" | "deregister"): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const agent = { name: "ci_1", capacityId: "task-1" };
        const answer = await handleRetire({ step, agent, reason }, { pools, log: createLogFake() });
        return "state" in answer ? answer.state : "left";
      } catch (error) {
        if (error instanceof AgentBusyError) return "busy";
        if (attempt >= attemptsPerStep) return "failed";
      }
    }
  }

  const end = (stopped: boolean, gaveUp: boolean): End => {
    const job = world.agent.job;
    return { ...world, moments, stopped, gaveUp, killedJob: stopped && job !== undefined };
  };

  for (let poll = 0; poll < polls; poll += 1) {
    let answer = await take("drain");
    if (answer === "idle" || answer === "gone") answer = await take("deregister");
    if (answer === "left") {
      moment();
      return end(true, false);
    }
    if (reason === "scale-in") {
      const undrained = await take("undrain");
      return end(false, answer === "failed" || undrained === "failed");
    }
  }
  return end(false, true);
}

const queue = ({ state, agent }: World) => state.queueJob(agent.pool);
const dispatch = ({ state }: World) => state.dispatch();
const inTurn =
  (...events: readonly ((world: World) => unknown)[]) =>
  (world: World) => {
    for (const happens of events) happens(world);
  };
/** An agent of ours ends with its job and clears up after itself; one that serves several waits for the next. */
const finish =
  (leaves: boolean) =>
  ({ state, agent }: World) => {
    if (!agent.job) return;
    state.finish(agent.job);
    if (leaves) state.removeAgent(agent);
  };
const unlock = ({ agent }: World) => {
  agent.enabled = true;
};

/** No job is lost: its agent still runs, or it never had one. */
function expectNothingLost(end: End, story: unknown): void {
  const { agent, state, stopped } = end;
  expect({ story, killedJob: end.killedJob }).toEqual({ story, killedJob: false });
  const open = [...state.jobs.values()].filter(({ result }) => !result);
  const orphaned = open.filter((job) => job.agent && (stopped || !state.agents.has(job.agent.id)));
  expect({ story, orphaned }).toEqual({ story, orphaned: [] });
  if (stopped) expect({ story, known: state.agents.has(agent.id) }).toEqual({ story, known: false });
  else if (!end.gaveUp && state.agents.has(agent.id))
    expect({ story, enabled: agent.enabled }).toEqual({ story, enabled: true });
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("retirement of an Azure DevOps agent, whatever happens between two of its calls", async () => {
  const undisturbed = await retire({ events: [] });
  const last = undisturbed.moments - 1;

  it("takes the agent out when nothing happens: disable, look, delete, stop", () => {
    expect(undisturbed).toMatchObject({ stopped: true, killedJob: false, moments: 10 });
  });

  it("a job that is assigned between our read and our disable survives, and its agent takes jobs again", async () => {
    const betweenReadAndDisable = 1;
    const end = await retire({ events: [[betweenReadAndDisable, inTurn(queue, dispatch)]] });
    expect(end).toMatchObject({ stopped: false, gaveUp: false, agent: { enabled: true } });
    expect(end.agent.job?.result).toBeUndefined();
  });

  it("a job that is queued, assigned and finished at any moments is never lost", async () => {
    let survived = 0;
    for (const leaves of [true, false]) {
      for (const queued of range(0, last)) {
        for (const assigned of range(queued, last)) {
          for (const finished of range(assigned, last + 1)) {
            const end = await retire({
              events: [
                [queued, queue],
                [assigned, dispatch],
                [finished, finish(leaves)],
              ],
            });
            expectNothingLost(end, { leaves, queued, assigned, finished });
            if (end.agent.job) survived += 1;
          }
        }
      }
    }
    expect(survived).toBeGreaterThan(0);
  });

  it("a lock that somebody lifts at any moment, and a job that comes through it, cost nothing", async () => {
    let survived = 0;
    for (const lifted of range(0, last)) {
      for (const assigned of range(lifted, last)) {
        const end = await retire({
          events: [
            [0, queue],
            [lifted, unlock],
            [assigned, dispatch],
          ],
        });
        expectNothingLost(end, { lifted, assigned });
        if (end.agent.job) survived += 1;
      }
    }
    // Also one that slips in between our last look and the deletion, which Azure DevOps then refuses.
    expect(survived).toBeGreaterThan(last);
  });

  it("a drained agent is waited for while it works, and goes when it is done", async () => {
    for (const assigned of range(0, last)) {
      for (const finished of range(assigned, assigned + 12)) {
        const lock = ({ agent }: World) => {
          agent.enabled = false;
        };
        const happens = inTurn(unlock, queue, dispatch, lock);
        const end = await retire({
          reason: "drained",
          events: [
            [assigned, happens],
            [finished, finish(false)],
          ],
        });
        expectNothingLost(end, { assigned, finished });
        expect({ assigned, finished, stopped: end.stopped }).toEqual({ assigned, finished, stopped: true });
      }
    }
  });

  for (const kind of ["refused", "answer-lost", "answer-cut", "sign-in", "hidden"] as const) {
    it(`whichever of our calls is ${kind}, and whenever a job comes, nothing is lost`, async () => {
      let stopped = 0;
      for (const lasting of [false, true]) {
        for (const at of range(0, last + 4)) {
          for (const assigned of range(0, last + 4)) {
            const events = [[assigned, inTurn(queue, dispatch)]] as const;
            const end = await retire({ events, trouble: { at, kind, lasting } });
            expectNothingLost(end, { kind, lasting, at, assigned });
            if (end.stopped) stopped += 1;
            // What cannot be seen is never stopped.
            if (lasting && at <= 2) expect({ at, stopped: end.stopped }).toEqual({ at, stopped: false });
          }
        }
      }
      expect(stopped).toBeGreaterThan(0);
    });
  }
});
