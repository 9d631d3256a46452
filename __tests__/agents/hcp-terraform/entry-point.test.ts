import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { dash, startContainer, startEntryPoint } from "./container.ts";
import {
  aJob,
  environment,
  folder,
  napOf,
  ownJob,
  readerOf,
  removeFolder,
  start,
  startJobProcess,
  terraform,
  waiting,
} from "./stage.ts";

afterAll(removeFolder);

describe.skipIf(!dash).concurrent("the agent's entry point", () => {
  it.for([
    0, 1, 42, 127, 143,
  ])("ends at once with the code of an agent that ends by itself: %i", async (exitCode, t) => {
    const container = start(t, { endsAfterMs: 50, exitCode });
    expect(await container.exitCode).toBe(exitCode);
    expect(container.processes()).toEqual([]);
    expect(container.signals()).toEqual([]);
    expect(container.log()).toContain(`the agent ended with status ${exitCode}`);
  });

  it("misses no agent that ends while its entry point still starts", async (t) => {
    const starts = Array.from({ length: 10 }, async () => {
      for (let round = 0; round < 15; round += 1) {
        const container = start(t, {}, { AGENT_FLEETS_AGENT_COMMAND: "/bin/false" });
        expect(await container.exitCode).toBe(1);
        expect(container.processes()).toEqual([]);
      }
    });
    await Promise.all(starts);
  });

  it("reports an agent that died of a signal as 128 + its number", async (t) => {
    const container = start(t, {});
    process.kill((await container.sees("started")).pid, "SIGKILL");
    expect(await container.exitCode).toBe(137);
    expect(container.processes()).toEqual([]);
  });

  it("tells an idle burst agent once to leave after its idle time", async (t) => {
    const container = start(t, {}, { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2" });
    expect(await container.exitCode).toBe(0);
    expect(container.signals()).toEqual(["SIGTERM"]);
    expect(container.log()).toContain("idle for 2 s");
    expect(container.processes()).toEqual([]);
  });

  it("defect 1: a single-use agent told to leave in its job finishes it", async (t) => {
    const job = aJob();
    const container = start(t, { ...job.part, exitCode: 3 }, { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2" });
    await container.sees("signal");
    job.end();
    expect(await container.exitCode).toBe(3);
    expect(container.events()).toEqual(["started", "signal", "job done"]);
  });

  it("lets a reusable agent live while a terraform process runs", async (t) => {
    await startJobProcess(t, terraform);
    const container = start(t, {}, { TFC_AGENT_SINGLE: undefined, AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2" });
    await container.sees("started");
    await sleep(4500);
    expect(container.signals()).toEqual([]);
    await napOf(container);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(0);
  });

  it("tells a reusable agent to leave one idle time after its job", async (t) => {
    const job = await startJobProcess(t, ownJob);
    const container = start(
      t,
      {},
      {
        TFC_AGENT_SINGLE: undefined,
        AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2",
        AGENT_FLEETS_JOB_PROCESSES: `something-else job-${process.pid}`,
      },
    );
    await container.sees("started");
    await sleep(3500);
    expect(container.signals()).toEqual([]);
    job.end();
    expect(await container.exitCode).toBe(0);
    expect(container.signals()).toEqual(["SIGTERM"]);
    expect(container.log()).toContain("idle for 2 s");
  });

  it("never tells a floor agent to leave for being idle", async (t) => {
    const changes = { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "1", AGENT_FLEETS_MAX_LIFETIME_SECONDS: undefined };
    const container = start(t, {}, { AGENT_FLEETS_ROLE: "floor", ...changes });
    await container.sees("started");
    await sleep(2500);
    expect(container.events()).toEqual(["started"]);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(0);
  });

  it("never tells a burst agent to leave whose idle time and lifetime are 0", async (t) => {
    const changes = { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "0", AGENT_FLEETS_MAX_LIFETIME_SECONDS: "0" };
    const container = start(t, {}, changes);
    await container.sees("started");
    await sleep(1500);
    expect(container.events()).toEqual(["started"]);
  });

  it("tells a floor agent once to leave when its lifetime is over", async (t) => {
    const changes = { AGENT_FLEETS_ROLE: "floor", AGENT_FLEETS_MAX_LIFETIME_SECONDS: "2" };
    const job = aJob();
    const container = start(t, job.part, changes);
    await container.sees("signal");
    job.end();
    expect(await container.exitCode).toBe(0);
    expect(container.events()).toEqual(["started", "signal", "job done"]);
    expect(container.log()).toContain("lifetime of 2 s is over");
  });

  it.for([1, 2, 3])("defect 1: hands on one SIGTERM in a job when ECS sends %i", async (times, t) => {
    const job = aJob();
    const container = start(t, { ...job.part, exitCode: 5 });
    await container.sees("started");
    for (let sent = 0; sent < times; sent += 1) {
      process.kill(container.pid, "SIGTERM");
      await sleep(100);
    }
    await container.sees("signal");
    await napOf(container);
    job.end();
    expect(await container.exitCode).toBe(5);
    expect(container.events()).toEqual(["started", "signal", "job done"]);
    expect(container.processes()).toEqual([]);
  });

  it("hands SIGINT on as one SIGTERM", async (t) => {
    const container = start(t, {});
    await container.sees("started");
    process.kill(container.pid, "SIGINT");
    expect(await container.exitCode).toBe(0);
    expect(container.signals()).toEqual(["SIGTERM"]);
  });

  it("defect 1: hands on one SIGTERM when ECS and the idle time ask at the same moment", async (t) => {
    const job = aJob();
    const container = start(t, job.part, { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2" });
    const launched = performance.now();
    await container.sees("started");
    await sleep(Math.max(0, 1800 - (performance.now() - launched)));
    for (let sent = 0; sent < 40; sent += 1) {
      process.kill(container.pid, sent % 2 === 0 ? "SIGTERM" : "SIGINT");
      await sleep(10);
    }
    await container.sees("signal");
    await sleep(500);
    job.end();
    expect(await container.exitCode).toBe(0);
    expect(container.events()).toEqual(["started", "signal", "job done"]);
  });

  it("waits for an agent that is slow to leave", async (t) => {
    const container = start(t, { leaveMs: 1500, exitCode: 6 });
    await container.sees("started");
    process.kill(container.pid, "SIGTERM");
    // The code is the agent's: a container that had not waited would have none.
    expect(await container.exitCode).toBe(6);
    expect(container.signals()).toEqual(["SIGTERM"]);
  });

  it("sends nothing more to an agent that ignores its signal", async (t) => {
    const changes = { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "2", AGENT_FLEETS_MAX_LIFETIME_SECONDS: "3" };
    const container = start(t, { ignores: true }, changes);
    await container.sees("signal");
    await sleep(1500);
    process.kill(container.pid, "SIGTERM");
    await sleep(500);
    expect(container.events()).toEqual(["started", "signal"]);
    expect(container.child.exitCode).toBeNull();
    process.kill((await container.sees("started")).pid, "SIGKILL");
    expect(await container.exitCode).toBe(137);
  });

  it("starts no agent when SIGTERM comes before", async (t) => {
    const { TFC_AGENT_TOKEN, ...rest } = environment({});
    const container = startEntryPoint(rest, folder);
    t.onTestFinished(() => container.destroy());
    await sleep(200);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(143);
    expect(container.events()).toEqual([]);
  });

  it("ends soon and signals at most once when SIGTERM comes during the start", async (t) => {
    const starts = Array.from({ length: 12 }, async (_, index) => {
      const container = start(t, {});
      await sleep(index * 4);
      process.kill(container.pid, "SIGTERM");
      // 143: before the agent was there, or before it listened to signals.
      expect([0, 143]).toContain(await container.exitCode);
      expect(container.signals().length).toBeLessThanOrEqual(1);
    });
    await Promise.all(starts);
  });

  it("leaves neither zombie nor orphan behind", async (t) => {
    const job = aJob();
    const container = start(t, job.part, { AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "1" });
    const { pid } = await container.sees("started");
    await container.sees("signal");
    const nap = await napOf(container);
    const family = container.processes();
    expect(new Set(family.map((process) => process.pid))).toEqual(
      new Set([container.pid, pid, nap, await readerOf(container)]),
    );
    expect(family.map((process) => process.state)).not.toContain("Z");
    job.end();
    await container.exitCode;
    expect(container.processes()).toEqual([]);
  });

  it("stays with the agent when no process can be started any more", async (t) => {
    // The limit does not hold for root.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const limited = join(folder, "limited-agent");
    writeFileSync(
      limited,
      "#!/bin/sh\ntrap 'kill $!; exit 9' TERM\nsleep 60 &\necho '{\"event\":\"started\"}'\nwait\n",
    );
    chmodSync(limited, 0o755);
    const container = startContainer(environment({}, { AGENT_FLEETS_AGENT_COMMAND: limited }), folder, user);
    t.onTestFinished(() => container.destroy());
    await container.sees("started");
    try {
      execFileSync("prlimit", ["--pid", String(container.pid), "--nproc=0"], { ...user, stdio: "pipe" });
    } catch (error) {
      t.skip(`SKIPPED: this machine's prlimit cannot limit a process: ${error}`);
    }
    process.kill(await napOf(container), "SIGKILL");
    await vi.waitFor(() => expect(container.log()).toContain("Cannot fork"), waiting);
    expect(container.child.exitCode).toBeNull();
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(9);
  });
});
