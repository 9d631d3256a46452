import { describe, expect, it } from "vitest";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { AgentFact } from "../../../handlers/lib/core/ports.ts";
import type { RetirementReason } from "../../../handlers/lib/core/retirement.ts";
import { handleRetire } from "../../../handlers/retire/handler.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";

type State = "idle" | "busy" | "gone" | "unseen" | "unmatched" | "silent";

function setUp({
  state = "idle" as State,
  queued = 0,
  word = undefined as AgentFact | undefined,
  starting = 0,
  mayHaveAgents = true,
} = {}) {
  const calls: string[] = [];
  const failures = new Map<string, Error>();
  const metrics = createMetricsFake();
  const log = createLogFake();
  const call = async <T>(name: string, result: T): Promise<T> => {
    calls.push(name);
    const failure = failures.get(name);
    if (failure) throw failure;
    return result;
  };
  const poolOf = (prefix: string) => ({
    metrics,
    retirement: {
      drain: () => call(`${prefix}drain`, state),
      undrain: () => call(`${prefix}undrain`, undefined),
      deregister: () => call(`${prefix}deregister`, undefined),
    },
    vendor: { readDemand: () => call(`${prefix}readDemand`, { queued, running: 0 }) },
    mayHaveAgents: () => call("mayHaveAgents", mayHaveAgents),
  });
  const pools = new Map([
    [undefined, poolOf("")],
    ["win", poolOf("win.")],
  ]);
  return {
    calls,
    failures,
    metrics,
    log,
    step: (step: string, { reason = "scale-in" as RetirementReason, pool = undefined as string | undefined } = {}) =>
      handleRetire(
        { step, reason, agent: { name: "ci_1", capacityId: "ci_1", pool } },
        {
          pools,
          log,
          group: {
            wordOf: async () => word,
            starting: async () => starting,
            note: (id, fact) => call(`note ${id} ${fact}`, undefined),
          },
        },
      ),
  };
}

const down = new VendorApiError("unavailable", "down");

describe("steps", () => {
  it.each<State>(["idle", "busy", "gone"])("drain tells that the agent is %s", async (state) => {
    expect(await setUp({ state }).step("drain")).toEqual({ state });
  });

  it.each(["drain", "deregister"])("an agent that does not answer is busy by %s, and is named", async (step) => {
    const retire = setUp({ state: "silent", word: "left" });
    const answer = await retire.step(step, { reason: "terminating" }).catch(({ name }: Error) => name);
    expect(answer).toEqual(step === "drain" ? { state: "busy" } : "AgentBusyError");
    expect(retire.metrics.records).toEqual([{ AgentsSilent: 1 }]);
    expect(retire.log.lines).toContainEqual({
      level: "warn",
      message: expect.stringContaining("does not answer"),
      fields: { agent: "ci_1", instance: "ci_1" },
    });
    expect(retire.calls).toEqual(["drain"]);
  });

  it.each<[RetirementReason, AgentFact | undefined, string]>([
    ["scale-in", undefined, "busy"],
    ["terminating", undefined, "busy"],
    ["drained", undefined, "busy"],
    ["terminating", "registered", "busy"],
    ["terminating", "left", "gone"],
    ["terminating", "never-registered", "gone"],
    ["release", undefined, "gone"],
    ["never-registered", "never-registered", "gone"],
  ])("an agent that its vendor does not list, by %s, whose machine said %s, is %s", async (reason, word, state) => {
    const retire = setUp({ state: "unseen", word });
    expect(await retire.step("drain", { reason })).toEqual({ state });
    const deregistered = await retire.step("deregister", { reason }).catch(({ name }: Error) => name);
    expect(deregistered).toEqual(state === "busy" ? "AgentBusyError" : { replace: false });
  });

  it.each<[RetirementReason, AgentFact | undefined, string]>([
    ["never-registered", "never-registered", "busy"],
    ["terminating", "never-registered", "busy"],
    ["terminating", undefined, "busy"],
    ["scale-in", undefined, "busy"],
    ["terminating", "left", "gone"],
    ["release", undefined, "gone"],
  ])("while the vendor lists an agent that nobody can place, by %s, one whose machine said %s is %s", async (reason, word, state) => {
    const retire = setUp({ state: "unmatched", word });
    expect(await retire.step("drain", { reason })).toEqual({ state });
    const deregistered = await retire.step("deregister", { reason }).catch(({ name }: Error) => name);
    expect(deregistered).toEqual(state === "busy" ? "AgentBusyError" : { replace: false });
  });

  it.each<[AgentFact | undefined, State]>([
    ["registered", "idle"],
    ["registered", "unseen"],
    ["registered", "busy"],
    [undefined, "unseen"],
  ])("nobody ends an agent for having never registered whose machine said %s meanwhile, and that is %s", async (word, state) => {
    const retire = setUp({ state, word });
    expect(await retire.step("drain", { reason: "never-registered" })).toEqual({ state: "stays" });
    await expect(retire.step("deregister", { reason: "never-registered" })).rejects.toMatchObject({
      name: "AgentBusyError",
    });
    expect(retire.calls).toEqual([]);
  });

  it("forget deletes the record without asking whether the agent works: its machine is dead", async () => {
    const retire = setUp({ state: "busy", queued: 1 });
    expect(await retire.step("forget", { reason: "spot-interruption" })).toEqual({ replace: true });
    expect(await retire.step("forget", { reason: "terminating" })).toEqual({ replace: false });
    expect(retire.calls).toEqual(["deregister", "mayHaveAgents", "readDemand", "deregister"]);
  });

  it("undrain lifts the lock and counts", async () => {
    const retire = setUp();
    await retire.step("undrain");
    expect(retire.calls).toEqual(["undrain"]);
    expect(retire.metrics.records).toEqual([{ RetirementsAborted: 1 }]);
  });

  it("deregister drains once more, right before", async () => {
    const retire = setUp();
    expect(await retire.step("deregister")).toEqual({ replace: false });
    expect(retire.calls).toEqual(["drain", "deregister", "note ci_1 left"]);
  });

  it("deregister refuses an agent that works after all", async () => {
    const retire = setUp({ state: "busy" });
    await expect(retire.step("deregister")).rejects.toMatchObject({ name: "AgentBusyError" });
    expect(retire.calls).toEqual(["drain"]);
  });

  it("Azure DevOps: the vendor's refusal says that the agent works after all", async () => {
    const retire = setUp();
    retire.failures.set("deregister", new VendorApiError("conflict", "the agent runs a job"));
    await expect(retire.step("deregister")).rejects.toMatchObject({ name: "AgentBusyError" });
    expect(retire.metrics.records).toEqual([]);
  });

  it("deregister has nothing to do for an agent that is gone", async () => {
    const retire = setUp({ state: "gone" });
    await retire.step("deregister");
    expect(retire.calls).toEqual(["drain"]);
  });

  it("asks the pool that the agent is of", async () => {
    const retire = setUp();
    await retire.step("drain", { pool: "win" });
    expect(retire.calls).toEqual(["win.drain"]);
    await expect(retire.step("drain", { pool: "mac" })).rejects.toThrow("the fleet has no pool mac");
  });

  it.each([
    "drain",
    "undrain",
    "deregister",
    "forget",
  ])("a failing vendor fails %s under its own name, and counts", async (step) => {
    const retire = setUp();
    retire.failures.set(step === "forget" ? "deregister" : step, down);
    await expect(retire.step(step)).rejects.toMatchObject({ name: "VendorApiError" });
    expect(retire.metrics.records).toEqual([{ VendorApiErrors: 1 }]);
  });

  it("takes nothing for a step that is none", async () => {
    const retire = setUp();
    await expect(retire.step("terminate")).rejects.toThrow();
    expect(retire.calls).toEqual([]);
  });
});

describe("Semaphore defect 1: whether one that leaves is replaced", () => {
  it.each<[RetirementReason, number, boolean]>([
    ["release", 1, true],
    ["release", 0, false],
    ["spot-interruption", 1, true],
    ["outdated", 1, true],
    ["too-old", 1, true],
    ["scale-in", 1, false],
    ["drained", 1, false],
    ["never-registered", 1, false],
    ["terminating", 1, false],
  ])("by %s with %d jobs waiting: %s", async (reason, queued, replace) => {
    const word = reason === "never-registered" ? reason : undefined;
    expect(await setUp({ queued, word }).step("deregister", { reason })).toEqual({ replace });
  });

  it("is not while its pool is being drained", async () => {
    const retire = setUp({ queued: 1, mayHaveAgents: false });
    expect(await retire.step("deregister", { reason: "release" })).toEqual({ replace: false });
  });

  it("is replaced while the vendor does not tell", async () => {
    const retire = setUp();
    retire.failures.set("readDemand", down);
    expect(await retire.step("deregister", { reason: "release" })).toEqual({ replace: true });
    expect(retire.metrics.records).toEqual([{ Retired: 1 }, { VendorApiErrors: 1 }]);
  });
});

describe("the replacement of an agent that left", () => {
  it.each<[replace: boolean, queued: number, starting: number]>([
    [true, 1, 0],
    [false, 1, 1],
    [false, 3, 5],
    [true, 3, 2],
    [false, 0, 0],
  ])("is %s where %i jobs wait and %i agents start", async (replace, queued, starting) => {
    const retire = setUp({ state: "gone", queued, starting });
    expect(await retire.step("deregister", { reason: "release" })).toEqual({ replace });
  });
});

describe("the metric Retired", () => {
  it.each<[counts: number, step: string, state: State, reason: RetirementReason]>([
    [1, "deregister", "idle", "scale-in"],
    [1, "deregister", "gone", "release"],
    [1, "deregister", "idle", "terminating"],
    [0, "deregister", "gone", "terminating"],
    [0, "deregister", "busy", "scale-in"],
    [0, "drain", "idle", "scale-in"],
    [0, "undrain", "busy", "scale-in"],
  ])("counts %i for %s of an agent that is %s, by %s", async (counts, step, state, reason) => {
    const retire = setUp({ state });
    await retire.step(step, { reason }).catch(() => undefined);
    expect(retire.metrics.sum("Retired")).toBe(counts);
  });
});
