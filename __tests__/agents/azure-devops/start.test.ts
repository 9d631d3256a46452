import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { canRun, start, waiting } from "./stage.ts";

const registered = ["registering", "registered"];

describe.skipIf(!canRun).concurrent("azure-devops: the agent's script runs an agent for one job", () => {
  it.for([0, 1, 2, 143])("ends with the agent's exit code: %i", async (code, t) => {
    const container = start(t, { STAND_IN_JOB_SECONDS: "0.2", STAND_IN_EXIT_CODES: String(code) });
    expect(await container.exitCode).toBe(code);
    expect(container.events()).toEqual([
      ...registered,
      "run --once",
      "listener",
      "worker",
      "job done",
      "result reported",
    ]);
    expect(container.log()).toContain(`the agent ended with status ${code}`);
    expect(container.processes()).toEqual([]);
  });

  it("tells an idle agent once to leave, however often it is asked", async (t) => {
    const container = start(t);
    await container.sees("listener");
    await sleep(300);
    for (let sent = 0; sent < 5; sent += 1) {
      container.child.kill(sent % 2 === 0 ? "SIGTERM" : "SIGINT");
      await sleep(20);
    }
    expect(await container.exitCode).toBe(143);
    expect(container.events()).toEqual([...registered, "run --once", "listener", "listener signalled"]);
    expect(container.processes()).toEqual([]);
  });

  it.for([
    1, 2, 3,
  ])("forwards nothing to a busy agent when asked %i times: its job ends, and then it leaves", async (times, t) => {
    const container = start(t, { STAND_IN_JOB_SECONDS: "told", STAND_IN_EXIT_CODES: "7" });
    await container.sees("worker");
    for (let sent = 0; sent < times; sent += 1) {
      container.child.kill("SIGTERM");
      await sleep(150);
    }
    await vi.waitFor(() => expect(container.log()).toContain("leaves when its job is done"), waiting);
    container.tell("end-job");
    expect(await container.exitCode).toBe(7);
    expect(container.events().slice(-3)).toEqual(["worker", "job done", "result reported"]);
  });

  it("forwards nothing to an agent that still reports the result of its job", async (t) => {
    const container = start(t, { STAND_IN_JOB_SECONDS: "0.1", STAND_IN_REPORT_WAITS: "1" });
    await container.sees("job done");
    await sleep(200);
    container.child.kill("SIGTERM");
    await vi.waitFor(() => expect(container.log()).toContain("leaves when its job is done"), waiting);
    await sleep(200);
    container.tell("end-report");
    expect(await container.exitCode).toBe(0);
    expect(container.events().at(-1)).toBe("result reported");
    expect(container.events()).not.toContain("listener signalled");
  });

  it("does not ask again when an agent that was told to leave got a job before it listened", async (t) => {
    const container = start(t, { STAND_IN_DEAF: "1", STAND_IN_JOB_WAITS: "1", STAND_IN_JOB_SECONDS: "1" });
    await container.sees("listener");
    container.child.kill("SIGTERM");
    await container.sees("listener signalled");
    container.tell("begin-job");
    expect(await container.exitCode).toBe(0);
    expect(container.events().filter((event) => event === "listener signalled")).toHaveLength(1);
    expect(container.events()).toContain("result reported");
  });

  it("asks an agent that does not listen no second time", async (t) => {
    const container = start(t, { STAND_IN_DEAF: "1" });
    const listener = await container.sees("listener");
    container.child.kill("SIGTERM");
    await container.sees("listener signalled");
    await sleep(800);
    expect(container.events().filter((event) => event === "listener signalled")).toHaveLength(1);
    expect(container.child.exitCode).toBeNull();
    process.kill(listener, "SIGKILL");
    expect(await container.exitCode).toBe(137);
  });

  it("runs an agent again that has updated itself", async (t) => {
    const container = start(t, { STAND_IN_EXIT_CODES: "4 127 126 143" });
    expect(await container.exitCode).toBe(143);
    expect(container.events()).toEqual([
      ...registered,
      ...Array.from({ length: 4 }, () => ["run --once", "listener"]).flat(),
    ]);
  });

  it("gives up on an agent that does nothing but update itself", async (t) => {
    const container = start(t, { STAND_IN_EXIT_CODES: "4 4 4 4 4 4 4 4" });
    expect(await container.exitCode).toBe(4);
    expect(container.events().filter((event) => event === "listener")).toHaveLength(5);
  });

  it("starts no agent again after it was asked to stop while the agent updated itself", async (t) => {
    const container = start(t, { STAND_IN_EXIT_CODES: "4", STAND_IN_SLEEP: "30" });
    await vi.waitFor(() => expect(container.log()).toContain("has updated itself"), waiting);
    container.child.kill("SIGTERM");
    expect(await container.exitCode).toBe(143);
    expect(container.events()).toEqual([...registered, "run --once", "listener"]);
  });

  it("ends soon whenever it is asked during the start, and signals the agent at most once", async (t) => {
    const starts = Array.from({ length: 12 }, async (_, index) => {
      const container = start(t, { STAND_IN_REGISTRATION_SECONDS: "0.1" });
      await sleep(index * 30);
      container.child.kill("SIGTERM");
      expect(await container.exitCode).toBe(143);
      expect(container.events().filter((event) => event === "listener signalled").length).toBeLessThan(2);
    });
    await Promise.all(starts);
  });
});
