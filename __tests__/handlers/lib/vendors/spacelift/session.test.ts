import { describe, expect, it } from "vitest";
import { createSpacelift } from "../../../../../handlers/lib/vendors/spacelift/client.ts";
import { asks, startAccount } from "./account.ts";

describe("spacelift session", () => {
  it("is opened once for many calls, also for calls at the same moment", async () => {
    const { runtime, deps, operations } = await startAccount();
    const vendor = createSpacelift(runtime, deps);
    await Promise.all([vendor.readDemand(), vendor.listAgents(), vendor.readDemand()]);
    await vendor.readDemand();
    expect(operations().filter((operation) => operation === "apiKeyUser")).toHaveLength(1);
  });

  it("is renewed 30 seconds before it ends", async () => {
    const { runtime, deps, state, clock, operations } = await startAccount();
    state.sessionSeconds = 3600;
    const vendor = createSpacelift(runtime, deps);
    await vendor.readDemand();
    clock.advance(3_569_000);
    await vendor.readDemand();
    expect(operations()).toEqual(["apiKeyUser", "workerPool", "workerPool"]);
    clock.advance(2_000);
    await vendor.readDemand();
    expect(operations().slice(3)).toEqual(["apiKeyUser", "workerPool"]);
  });

  it("that ends early is opened again, once", async () => {
    const { runtime, deps, state, operations } = await startAccount();
    const vendor = createSpacelift(runtime, deps);
    await vendor.readDemand();
    state.endSessions();
    expect(await vendor.readDemand()).toEqual({ queued: 0, running: 0 });
    expect(operations().slice(2)).toEqual(["workerPool", "apiKeyUser", "workerPool"]);
  });

  it("that a status 401 refuses is opened again, with a fresh secret", async () => {
    const { fake, runtime, deps, state, secrets, operations } = await startAccount();
    const vendor = createSpacelift(runtime, deps);
    await vendor.readDemand();
    secrets.newest = "test-secret-rotated";
    state.secret = secrets.newest;
    fake.fail({ times: 1, answer: { status: 401 } });
    expect(await vendor.readDemand()).toEqual({ queued: 0, running: 0 });
    expect(operations().slice(2)).toEqual(["workerPool", "apiKeyUser", "workerPool"]);
  });

  it("is tried with a fresh secret where the cached one is refused", async () => {
    const { runtime, deps, state, secrets, operations } = await startAccount();
    secrets.newest = "test-secret-rotated";
    state.secret = secrets.newest;
    await createSpacelift(runtime, deps).readDemand();
    expect(operations()).toEqual(["apiKeyUser", "apiKeyUser", "workerPool"]);
  });

  it("is tried with a fresh secret where a status 401 refuses the cached one", async () => {
    const { fake, runtime, deps, secrets, state, operations } = await startAccount();
    secrets.newest = "test-secret-rotated";
    state.secret = secrets.newest;
    fake.fail({ times: 1, when: asks("apiKeyUser"), answer: { status: 401 } });
    await createSpacelift(runtime, deps).readDemand();
    expect(operations()).toEqual(["apiKeyUser", "apiKeyUser", "workerPool"]);
  });

  it("fails as unauthorized, naming the key but not the secret, and is not asked for twice with the same one", async () => {
    const { runtime, deps, state, operations } = await startAccount();
    state.secret = "test-secret-of-nobody";
    const failure = await createSpacelift(runtime, deps)
      .readDemand()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "unauthorized" });
    expect(String(failure)).toContain(`API key ${runtime.apiKeyId} at ${runtime.endpoint}`);
    expect(String(failure)).not.toContain("test-secret");
    expect(operations()).toEqual(["apiKeyUser"]);
  });

  it("that could not be opened is tried again by the next call", async () => {
    const { fake, runtime, deps } = await startAccount();
    const vendor = createSpacelift(runtime, deps);
    fake.fail({ answer: { status: 500 } });
    await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "unavailable" });
    fake.clearFaults();
    expect(await vendor.readDemand()).toEqual({ queued: 0, running: 0 });
  });

  it("never has an error quoted: it may hold the secret", async () => {
    const { fake, state, runtime, deps } = await startAccount();
    const errors = [{ message: `Variable "$secret" got invalid value "${state.secret}"` }];
    for (const answer of [
      { status: 200, json: { data: null, errors } },
      { status: 400, json: { errors } },
    ]) {
      fake.fail({ times: 1, when: asks("apiKeyUser"), answer });
      const failure = await createSpacelift(runtime, deps)
        .readDemand()
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: "invalid" });
      expect(String(failure)).not.toContain(state.secret);
    }
  });

  it("is of no use where the key lacks a right: asked again once, then unauthorized", async () => {
    const { fake, runtime, deps, operations } = await startAccount();
    const errors = [{ message: "unauthorized" }];
    fake.fail({ when: asks("workerPool"), answer: { status: 200, json: { data: null, errors } } });
    await expect(createSpacelift(runtime, deps).readDemand()).rejects.toMatchObject({ kind: "unauthorized" });
    expect(operations()).toEqual(["apiKeyUser", "workerPool", "apiKeyUser", "workerPool"]);
  });
});
