import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAzureDevOps } from "../../../../../handlers/lib/vendors/azure-devops/client.ts";
import type { VendorDeps } from "../../../../../handlers/lib/vendors/deps.ts";
import type { FakePool } from "../../../../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../../fakes/azure-devops.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";

describe("the placeholder of Azure DevOps", () => {
  let clock: FakeClock;
  let fake: AzureDevOpsFake;
  let pool: FakePool;

  beforeEach(async () => {
    clock = createFakeClock();
    fake = await startAzureDevOpsFake({ clock });
    pool = fake.state.addPool("aws");
  });
  afterEach(() => fake.close());

  const name = "keeps-the-queue-open";
  /** A client as a cold start makes it. */
  function start(capabilities: Record<string, string> = fake.runtime(pool).capabilities) {
    const deps: VendorDeps = { clock, readToken: () => Promise.resolve("test-pat") };
    const vendor = createAzureDevOps({ ...fake.runtime(pool), capabilities }, deps);
    return { ensure: async () => vendor.keepQueueOpen?.((await vendor.listAgents()) ?? []), vendor };
  }
  const changes = () => fake.requests.filter(({ method }) => method !== "GET").map(({ method }) => method);
  const placeholder = () => fake.state.agentNamed(name);

  it("is needed: a job that comes to a pool without agents fails at once", () => {
    expect(fake.state.queueJob(pool).result).toBe("failed");
  });

  it("lets jobs queue, and takes none", async () => {
    await start().ensure();
    const job = fake.state.queueJob(pool, ["Agent.OS -equals Linux", "Agent.Version -gtVersion 4.300.0"]);
    fake.state.dispatch();
    expect(job).toMatchObject({ pool });
    expect([job.result, job.agent]).toEqual([undefined, undefined]);
    expect(placeholder()).toMatchObject({ status: "offline", enabled: true });
  });

  it.each([
    "gpu",
    "jq",
    "bash",
    "Agent.OS -equals Windows_NT",
  ])("lets a job fail at once that demands %s, which our agents do not publish, and no agent is launched for it", async (demand) => {
    const { ensure, vendor } = start();
    await ensure();
    expect(fake.state.queueJob(pool, [demand]).result).toBe("failed");
    fake.state.addJob(pool, { demands: [demand] });
    expect(await vendor.readDemand()).toMatchObject({ queued: 0, unmatched: { jobs: 1, demands: [demand] } });
  });

  it.each([
    "Agent.Name",
    "Agent.ComputerName",
    "Agent.HomeDirectory -equals /azp",
    "Agent.OS -equals linux",
    "Agent.Version -gtVersion 4.300.0",
    "InteractiveSession -equals true",
    "AZP_POOL -equals aws",
    "AZP_AGENT_NAME",
    "git",
    "curl",
    "sh -equals /usr/bin/sh",
  ])("lets a job queue that demands %s, which every agent publishes, and an agent is launched for it", async (demand) => {
    const { ensure, vendor } = start();
    await ensure();
    expect(fake.state.queueJob(pool, [demand]).result).toBeUndefined();
    expect(await vendor.readDemand()).toMatchObject({ queued: 1 });
  });

  it("is registered once, however often it is seen to", async () => {
    const { ensure } = start();
    for (let time = 0; time < 3; time += 1) await ensure();
    await start().ensure();
    expect(changes()).toEqual(["POST"]);
    const looks = fake.requests.filter(({ query }) => query.has("includeCapabilities"));
    expect(looks).toHaveLength(2);
  });

  it.each([409, 400] as const)("may be registered by two at the same time (answered by %i)", async (status) => {
    fake.state.duplicateStatus = status;
    const { vendor } = start();
    await Promise.all([vendor.keepQueueOpen?.([]), vendor.keepQueueOpen?.([])]);
    expect(fake.state.agentsOf(pool)).toHaveLength(1);
    expect(changes()).toEqual(["POST", "POST"]);
  });

  it.each([
    [400, "invalid"],
    [409, "conflict"],
    [403, "unauthorized"],
  ])("that cannot be registered (%i) is told, not taken for there", async (status, kind) => {
    fake.fail({ method: "POST", answer: { status } });
    await expect(start().ensure()).rejects.toMatchObject({ name: "VendorApiError", kind });
  });

  it("is registered again when somebody deleted it", async () => {
    const { ensure } = start();
    await ensure();
    const agent = placeholder();
    if (agent) fake.state.removeAgent(agent);
    await ensure();
    expect(placeholder()).toBeDefined();
  });

  it("offers what agents offer since the fleet was deployed anew, and what other fleets of the pool added", async () => {
    await start({ docker: "yes" }).ensure();
    await start({ helm: "3" }).ensure();
    await start({ docker: "yes" }).ensure();
    expect(placeholder()?.capabilities).toMatchObject({ docker: "yes", helm: "3", "Agent.Name": name });
    expect(changes()).toEqual(["POST", "PUT"]);
  });

  it("offers of a capability what it is now, where agents had another one of it", async () => {
    await start({ node: "20" }).ensure();
    await start({ node: "22" }).ensure();
    expect(placeholder()?.capabilities).toMatchObject({ node: "22" });
  });

  it("is looked at again when it could not be updated", async () => {
    await start({ docker: "yes" }).ensure();
    const { ensure } = start({ helm: "3" });
    fake.fail({ method: "PUT", times: 4, answer: { status: 500 } });
    await expect(ensure()).rejects.toMatchObject({ kind: "unavailable" });
    await ensure();
    expect(placeholder()?.capabilities).toHaveProperty("helm");
  });

  it("is made in our pool only, whatever there is in others", async () => {
    const foreign = fake.state.addPool("foreign");
    fake.state.addAgent(foreign, name);
    await start().ensure();
    expect(fake.state.agentsOf(foreign)).toHaveLength(1);
    expect(fake.state.agentNamed(name, pool)).toBeDefined();
  });

  it("has a key of its own that nobody keeps", async () => {
    await start().ensure();
    const body = JSON.parse(String(fake.requests.find(({ method }) => method === "POST")?.body));
    const { modulus, exponent } = body.authorization.publicKey;
    expect(Buffer.from(modulus, "base64")).toHaveLength(256);
    expect(exponent).toBe("AQAB");
    expect(JSON.stringify(body)).not.toMatch(/privateKey|"[dpq]"/);
  });
});
