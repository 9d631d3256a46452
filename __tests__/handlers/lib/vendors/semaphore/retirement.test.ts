import { describe, expect, it } from "vitest";
import type { InstanceCommands } from "../../../../../handlers/lib/core/ports.ts";
import { createVendorRetirement } from "../../../../../handlers/lib/vendors/retirement.ts";
import { createFakeClock } from "../../../../fakes/clock.ts";

const runtime = { type: "semaphore", address: "https://acme.semaphoreci.com" } as const;
const agent = { name: "i-0123456789abcdef0", capacityId: "i-0123456789abcdef0" };

function retirementOver(run: InstanceCommands["run"] | undefined) {
  return createVendorRetirement(runtime, {
    clock: createFakeClock(),
    readToken: () => Promise.reject(new Error("no token is needed")),
    ...(run && { instances: { run } }),
  });
}

describe("the retirement of Semaphore agents", () => {
  it.each(["idle", "busy", "silent"] as const)("asks the instance, which tells that it is %s", async (answer) => {
    const asked: string[][] = [];
    const retirement = retirementOver((...question) => {
      asked.push(question);
      return Promise.resolve(answer);
    });
    expect(await retirement.drain(agent)).toBe(answer);
    expect(asked).toEqual([[agent.capacityId, "drain"]]);
  });

  it("takes an instance that is no more for gone", async () => {
    expect(await retirementOver(() => Promise.resolve(undefined)).drain(agent)).toBe("gone");
  });

  it.each(["", "IDLE", "idle\nbusy", "idle ", "drain: not found"])("takes no agent for idle on %j", async (answer) => {
    const draining = retirementOver(() => Promise.resolve(answer)).drain(agent);
    await expect(draining).rejects.toThrow("answered neither idle nor busy");
  });

  it("takes no agent for idle or gone when its instance does not answer", async () => {
    const silent = retirementOver(() => Promise.reject(new Error("i-0123456789abcdef0 did not answer in time")));
    await expect(silent.drain(agent)).rejects.toThrow("did not answer in time");
  });

  it("does not pretend that an agent that was told to leave can be kept", async () => {
    const retirement = retirementOver(() => Promise.reject(new Error("not to be asked")));
    await expect(retirement.undrain(agent)).rejects.toThrow("is already leaving and cannot be undrained");
  });

  it("deletes no record: agents disconnect themselves", async () => {
    const retirement = retirementOver(() => Promise.reject(new Error("not to be asked")));
    await expect(retirement.deregister(agent)).resolves.toBeUndefined();
  });

  it("needs instances", () => {
    expect(() => retirementOver(undefined)).toThrow("on instances only");
  });
});
