import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSemaphore } from "../../../../../handlers/lib/vendors/semaphore/client.ts";
import { createFakeClock } from "../../../../fakes/clock.ts";
import { type SemaphoreFake, startSemaphoreFake } from "../../../../fakes/semaphore.ts";

describe("the demand of a Semaphore agent type", () => {
  let fake: SemaphoreFake;

  beforeEach(async () => {
    fake = await startSemaphoreFake();
  });
  afterEach(() => fake.close());

  const client = (readToken = () => Promise.resolve(fake.token), timeoutMilliseconds?: number) =>
    createSemaphore(
      { type: "semaphore", address: fake.url },
      { clock: createFakeClock(), readToken, timeoutMilliseconds },
    );

  /** One request of an agent. */
  const post = async (path: string, token: string, body: unknown) => {
    const response = await fetch(`${fake.url}/api/v1/self_hosted_agents/${path}`, {
      method: "POST",
      headers: { authorization: `Token ${token}` },
      body: JSON.stringify(body),
    });
    return response.json() as Promise<Record<string, string>>;
  };

  it("asks for the metrics with the registration token, in the form the server wants", async () => {
    await client(() => Promise.resolve(fake.token)).readDemand();
    expect(fake.requests).toHaveLength(1);
    expect(fake.requests[0]).toMatchObject({ method: "GET", path: "/api/v1/self_hosted_agents/metrics" });
    expect(fake.requests[0]?.headers.authorization).toBe("Token test-token");
  });

  it("counts queued and running jobs", async () => {
    for (let job = 0; job < 3; job += 1) fake.queueJob();
    const agent = await post("register", fake.token, { name: "somebody", single_job: false, idle_timeout: 0 });
    await post("sync", agent.token ?? "", { state: "waiting-for-jobs" });
    expect(await client().readDemand()).toEqual({ queued: 2, running: 1 });
  });

  it("looks at jobs only: agents that left hours ago change nothing", async () => {
    fake.queueJob();
    fake.state.staleAgents = 500;
    expect(await client().readDemand()).toEqual({ queued: 1, running: 0 });
  });

  it.each([
    ["no agents in it", { jobs: { queued: 4, running: 2 } }],
    ["something new in it", { jobs: { queued: 4, running: 2, paused: 1 }, agents: { idle: 1 }, quota: {} }],
  ])("takes an answer with %s", async (_, json) => {
    fake.fail({ answer: { status: 200, json } });
    expect(await client().readDemand()).toEqual({ queued: 4, running: 2 });
  });

  it.each([
    null,
    [],
    {},
    { jobs: null },
    { jobs: { queued: 1 } },
    { jobs: { queued: null, running: 0 } },
    { jobs: { queued: "3", running: 0 } },
    { jobs: { queued: -1, running: 0 } },
    { jobs: { queued: 1.5, running: 0 } },
    { agents: { idle: 0, occupied: 0 } },
  ])("defect 2: takes %j for what it is: no answer", async (json) => {
    fake.fail({ answer: { status: 200, json } });
    await expect(client().readDemand()).rejects.toMatchObject({ name: "VendorApiError", kind: "malformed" });
  });

  it("defect 2: an answer that stalls ends in time and does not hang the loop", async () => {
    fake.fail({ answer: "hang" });
    const started = Date.now();
    await expect(client(undefined, 100).readDemand()).rejects.toMatchObject({ kind: "timeout" });
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it.each([
    [401, "unauthorized"],
    [404, "unauthorized"],
    [403, "unauthorized"],
    [422, "invalid"],
    [500, "unavailable"],
  ])("defect 2: %i is an error of kind %s, never a demand of nothing", async (status, kind) => {
    fake.fail({ answer: { status, text: "<html>sorry</html>" } });
    await expect(client().readDemand()).rejects.toMatchObject({ name: "VendorApiError", kind, status });
  });

  it("defect 2: fails when no token can be read, without asking", async () => {
    const readToken = () => Promise.reject(new Error("the secret agent-type-token has no value"));
    await expect(client(readToken).readDemand()).rejects.toThrow("agent-type-token has no value");
    expect(fake.requests).toEqual([]);
  });
});
