import { describe, expect, it } from "vitest";
import { runPass } from "../../../../../handlers/autoscale/handler.ts";
import { VendorApiError } from "../../../../../handlers/lib/core/errors.ts";
import { createAzureDevOps } from "../../../../../handlers/lib/vendors/azure-devops/client.ts";
import { clock, eachInLoop, failureOf, fake, fleetOf, fleetWith, looksOf, vendorDeps } from "./loop.ts";

eachInLoop();

describe("the loop of an Azure DevOps fleet", () => {
  it("launches, stops and registers nothing where the pool's id is that of another pool", async () => {
    const fleet = await fleetWith(2);
    const [job] = fleet.queueJobs(1);
    fleet.work();
    const other = fake.state.addPool("other");
    const vendor = createAzureDevOps(fake.runtime({ name: "ci", id: other.id }), vendorDeps);
    clock.advance(86_400_000);
    fleet.queueJobs(5);
    await expect(runPass({ ...fleet.deps, vendor })).rejects.toMatchObject({ kind: "misconfigured" });
    expect(fleet.tasks()).toHaveLength(2);
    expect(fleet.killed).toEqual([]);
    expect(job?.result).toBeUndefined();
    expect(fake.state.agentsOf(other)).toEqual([]);
  });

  describe("defect 6: nothing is swallowed", () => {
    it.each([
      [401, "unauthorized"],
      [403, "unauthorized"],
      [404, "not-found"],
      [429, "rate-limited"],
      [500, "unavailable"],
    ])("an answer of %i fails the pass, counted, and nothing is launched or retired", async (status, kind) => {
      const fleet = await fleetWith(2);
      fleet.queueJobs(5);
      clock.advance(61_000);
      fake.fail({ path: /jobrequests$/, answer: { status } });
      await expect(runPass(fleet.deps)).rejects.toMatchObject({ name: "VendorApiError", kind });
      expect(fleet.metrics.records.at(-1)).toEqual({ VendorApiErrors: 1 });
      expect(fleet.tasks()).toHaveLength(2);
    });

    it.each([
      ["ListTasks", "AccessDeniedException"],
      ["ListTasks", "ThrottlingException"],
      ["RunTask", "AccessDeniedException"],
    ])("%s failing with %s fails the pass", async (operation, name) => {
      const fleet = fleetOf("ci");
      await runPass(fleet.deps);
      fleet.queueJobs(3);
      const perform = fleet.ecs.perform;
      fleet.ecs.perform = (call) => {
        if (call.operation !== operation) return perform(call);
        throw Object.assign(new Error(`${name}: not now`), { name, $fault: "client" });
      };
      await expect(runPass(fleet.deps)).rejects.toThrow(name);
    });

    it("RunTask that is throttled is counted, and tried again by the next tick", async () => {
      const fleet = fleetOf("ci");
      await runPass(fleet.deps);
      fleet.queueJobs(3);
      let throttled = 0;
      fleet.ecs.refuse = () => {
        throttled += 1;
        return throttled <= 3 ? { exception: "ThrottlingException", message: "Rate exceeded" } : undefined;
      };
      await looksOf(fleet.deps);
      expect(fleet.metrics.sum("LaunchFailures")).toBe(3);
      expect(fleet.tasks()).toHaveLength(3);
    });

    it("a placeholder that cannot be registered fails the pass, after agents were launched", async () => {
      const fleet = fleetOf("ci", { min: 1 });
      fake.state.rights = "read";
      const failure = await failureOf(runPass(fleet.deps));
      expect((failure as AggregateError).errors).toEqual([expect.any(VendorApiError)]);
      expect(fleet.tasks()).toHaveLength(1);
    });
  });
});
