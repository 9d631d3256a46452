import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VendorRetirement } from "../../../../../handlers/lib/core/ports.ts";
import { createAzureDevOpsRetirement } from "../../../../../handlers/lib/vendors/azure-devops/retirement.ts";
import type { FakeAgent, FakePool } from "../../../../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../../fakes/azure-devops.ts";
import { createFakeClock } from "../../../../fakes/clock.ts";

describe("retirement at Azure DevOps", () => {
  let fake: AzureDevOpsFake;
  let pool: FakePool;
  let agent: FakeAgent;
  let retirement: VendorRetirement;

  beforeEach(async () => {
    const clock = createFakeClock();
    fake = await startAzureDevOpsFake({ clock });
    pool = fake.state.addPool("aws");
    agent = fake.state.addAgent(pool, "ci_1");
    retirement = createAzureDevOpsRetirement(fake.runtime({ name: "aws" }), {
      clock,
      readToken: () => Promise.resolve("test-pat"),
    });
  });
  afterEach(() => fake.close());

  const ci1 = { name: "ci_1", capacityId: "task-1" };
  const rightBefore = (method: string, happens: () => void) => {
    fake.onRequest = (request) => {
      if (request.method === method) happens();
    };
  };

  it("disables, then looks, and has not deleted anything yet", async () => {
    expect(await retirement.drain(ci1)).toBe("idle");
    expect(fake.requests.map(({ method }) => method)).toEqual(["GET", "GET", "PATCH", "GET"]);
    expect(JSON.parse(String(fake.requests[2]?.body))).toEqual({ id: agent.id, name: "ci_1", enabled: false });
    expect(fake.requests[3]?.query.get("includeAssignedRequest")).toBe("true");
  });

  it("takes an agent for busy whose lock does not hold", async () => {
    fake.fail({ method: "PATCH", answer: { status: 200, json: {} } });
    expect(await retirement.drain(ci1)).toBe("busy");
  });

  it("proves nothing of an agent that another one of its name replaces meanwhile", async () => {
    const replace = () => {
      fake.state.removeAgent(agent);
      agent = fake.state.addAgent(pool, "ci_1", { enabled: false });
    };
    rightBefore("PATCH", replace);
    expect(await retirement.drain(ci1)).toBe("busy");
    let locked = false;
    fake.onRequest = ({ method }) => {
      if (locked) replace();
      locked = method === "PATCH";
    };
    expect(await retirement.drain(ci1)).toBe("busy");
    expect(await retirement.drain(ci1)).toBe("busy");
  });

  it("finds an agent by its whole name, in its own pool", async () => {
    const others = [fake.state.addAgent(pool, "ci_10"), fake.state.addAgent(fake.state.addPool("other"), "ci_1")];
    await retirement.drain(ci1);
    await retirement.deregister(ci1);
    expect(others.every(({ id, enabled }) => enabled && fake.state.agents.has(id))).toBe(true);
    expect(fake.state.agents.has(agent.id)).toBe(false);
  });

  it("finds it where the server does not filter its list", async () => {
    fake.onRequest = ({ query }) => query.delete("agentName");
    fake.state.addAgent(pool, "ci_10");
    expect(await retirement.drain({ name: "ci_10", capacityId: "task-10" })).toBe("idle");
    expect(agent.enabled).toBe(true);
  });

  it("tells that an agent is gone which leaves right before it is disabled", async () => {
    rightBefore("PATCH", () => fake.state.removeAgent(agent));
    expect(await retirement.drain(ci1)).toBe("gone");
  });

  it("fails where the credential may not change the pool, and says nothing else of it", async () => {
    fake.state.rights = "read";
    const failure = await retirement.drain(ci1).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "unauthorized", status: 403 });
    expect(String(failure)).not.toContain("canary");
  });

  it.each(["drain", "undrain", "deregister"] as const)("%s fails where only the pool is out of sight", async (step) => {
    fake.onRequest = ({ method }) => {
      fake.state.rights = method === "GET" ? "manage" : "none";
    };
    await expect(retirement[step](ci1)).rejects.toMatchObject({ kind: "not-found" });
    expect(fake.state.agents.has(agent.id)).toBe(true);
  });

  it("calls an agent unseen that was deleted under the lock and never told its id before it was listed", async () => {
    fake.state.removeAgent(agent);
    expect(await retirement.drain(ci1)).toBe("unseen");
    expect(await retirement.drain({ ...ci1, vendorId: String(agent.id) })).toBe("gone");
  });

  it("does not delete an agent that lists show without its job: Azure DevOps itself refuses", async () => {
    fake.state.addJob(pool, { agent });
    agent.stale = true;
    expect(await retirement.drain(ci1)).toBe("idle");
    await expect(retirement.deregister(ci1)).rejects.toMatchObject({ kind: "conflict" });
    expect(fake.state.agents.has(agent.id)).toBe(true);
  });

  it("finds an agent by its name in another case, as Azure DevOps does", async () => {
    expect(await retirement.drain({ ...ci1, name: "CI_1" })).toBe("idle");
  });

  it("ends nothing where the pool's id is that of another pool", async () => {
    const other = fake.state.addPool("other");
    const runtime = fake.runtime({ name: "aws", id: other.id });
    const wrong = createAzureDevOpsRetirement(runtime, {
      clock: createFakeClock(),
      readToken: () => Promise.resolve("test-pat"),
    });
    for (const step of ["drain", "undrain", "deregister"] as const)
      await expect(wrong[step]({ ...ci1, vendorId: String(agent.id) })).rejects.toMatchObject({
        kind: "misconfigured",
      });
    expect(agent.enabled).toBe(true);
  });

  it("says why an agent cannot be deleted that works after all", async () => {
    fake.state.addJob(pool, { agent });
    await expect(retirement.deregister(ci1)).rejects.toMatchObject({
      kind: "conflict",
      message: expect.stringContaining("ci_1 works after all"),
    });
  });
});
