import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { dash } from "./container.ts";
import { aJob, folder, ownJob, readerOf, removeFolder, start, startJobProcess } from "./stage.ts";

afterAll(removeFolder);

/** As the contract with the loop has it. */
const neverRegistered = 86;
/** The entry point sees every process of this machine, so other tests' jobs must not look like this agent's. */
const grace = { AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "5", AGENT_FLEETS_JOB_PROCESSES: "no-such-job" };

const slow = { timeout: 300_000 };

const text = (level: string, said: string) => `2025-03-26T15:29:45.947Z [${level}]  ${said}`;
const json = (level: string, module: string, said: string) =>
  `{"@level":"${level}","@message":"${said}","@module":"${module}","@timestamp":"2025-03-26T15:29:45.947000Z"}`;

/**
 * What agents write, as logs of 0.4 to 1.30 that people have published show it, and in hclog's JSON. No log of a failed try was to be
 * found: that it is a warning or an error is assumed.
 */
const logs = {
  text: {
    starting: [
      text("INFO", "agent: Starting: agent_version=1.21.0 os=linux arch=amd64"),
      text("INFO", "core: Starting: version=1.21.0"),
    ],
    failed: text("ERROR", "core: request failed: method=POST code=401"),
    retries: text("WARN", "core: retrying: in=5s"),
    registered: text("INFO", "core: Agent registered successfully with HCP Terraform: agent_id=agent-1"),
    waiting: text("INFO", "core: Waiting for next job"),
  },
  json: {
    starting: [json("info", "agent", "Starting"), json("info", "core", "Starting")],
    failed: json("error", "core", "request failed"),
    retries: json("warn", "core", "retrying"),
    registered: json("info", "core", "Agent registered successfully with HCP Terraform"),
    waiting: json("info", "core", "Waiting for next job"),
  },
} as const;

const at = (ms: number, ...lines: readonly string[]) => lines.map((line) => [ms, line] as const);

describe.skipIf(!dash).concurrent("an agent of HCP Terraform that", () => {
  it.for([
    "text",
    "json",
  ] as const)("never registers is told once to leave, and the status says why: %s", async (form, t) => {
    const { starting, failed, retries } = logs[form];
    const says = [...at(0, ...starting), ...at(100, failed, retries), ...at(900, failed)];
    const container = start(t, { says }, grace);
    expect(await container.exitCode).toBe(neverRegistered);
    expect(container.signals()).toEqual(["SIGTERM"]);
    expect(container.log()).toContain("not registered within 5 s: the agent was told to leave");
    expect(container.output()).toEqual([...starting, failed, retries, failed]);
    expect(container.processes()).toEqual([]);
  });

  it.for(["text", "json"] as const)("has registered is never looked at again: %s", async (form, t) => {
    const { starting, registered, waiting: waits, failed } = logs[form];
    const container = start(t, { says: [...at(0, ...starting, registered, waits), ...at(6000, failed)] }, grace);
    await vi.waitFor(() => expect(container.output()).toContain(failed), slow);
    await sleep(500);
    expect(container.signals()).toEqual([]);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(0);
  });

  it.for([
    ["waits, its registration's line lost", [logs.text.waiting]],
    ["has a job", [text("INFO", "core: Job received: job.type=plan job.id=run-1")]],
    ["writes what we do not know", [text("INFO", "core: Enrolled, ready for work")]],
    ["writes lines without a level", ["panic: no", "goroutine 1 [running]:"]],
  ] as const)("%s stays", async ([, lines], t) => {
    const container = start(t, { says: [...at(0, ...logs.text.starting), ...at(100, ...lines)] }, grace);
    await sleep(6500);
    expect(container.signals()).toEqual([]);
    expect(container.child.exitCode).toBeNull();
  });

  it.for([
    ["writes nothing", []],
    ["writes warnings alone, as TFC_AGENT_LOG_LEVEL may want it", [logs.text.retries, logs.text.failed]],
    ["does not say that it starts", [text("INFO", "boot: version 9"), logs.text.failed]],
  ] as const)("%s stays: that proves nothing", async ([, lines], t) => {
    const container = start(t, { says: at(0, ...lines) }, grace);
    await sleep(6500);
    expect(container.signals()).toEqual([]);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(0);
  });

  it("works, whatever it writes, stays", async (t) => {
    const job = aJob();
    await startJobProcess(t, ownJob);
    const part = { says: at(0, ...logs.text.starting), ...job.part };
    const container = start(t, part, {
      ...grace,
      AGENT_FLEETS_JOB_PROCESSES: `job-${process.pid}`,
      TFC_AGENT_SINGLE: undefined,
    });
    await container.sees("started");
    await sleep(7000);
    expect(container.signals()).toEqual([]);
    job.end();
    await container.sees("job done");
    expect(container.signals()).toEqual([]);
  });

  it("registers only after it was told to leave ends with its own status, and finishes its job", async (t) => {
    const { starting, failed, registered } = logs.text;
    const job = aJob();
    const says = [...at(0, ...starting, failed), ...at(6500, registered)];
    const container = start(t, { says, ...job.part, exitCode: 4 }, grace);
    await container.sees("signal");
    await vi.waitFor(() => expect(container.output()).toContain(registered), slow);
    job.end();
    expect(await container.exitCode).toBe(4);
    expect(container.events()).toEqual(["started", "signal", "job done"]);
  });

  it("ends by itself before the grace is over ends with its own status", async (t) => {
    const says = at(0, ...logs.text.starting, logs.text.failed);
    const container = start(t, { says, endsAfterMs: 300, exitCode: 1 }, grace);
    expect(await container.exitCode).toBe(1);
  });

  it("is not registered yet is not idle yet", async (t) => {
    const says = [...at(0, ...logs.text.starting), ...at(8000, logs.text.registered)];
    const changes = { ...grace, AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "60", AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "5" };
    const container = start(t, { says }, changes);
    await vi.waitFor(() => expect(container.output()).toContain(logs.text.registered), slow);
    expect(container.signals()).toEqual([]);
    expect(await container.exitCode).toBe(0);
    expect(container.log()).toContain("idle for 5 s");
  });

  it("is told nothing where no grace is set", async (t) => {
    const container = start(t, { says: at(0, ...logs.text.starting, logs.text.failed) });
    await sleep(6500);
    expect(container.signals()).toEqual([]);
  });

  it("lives on, and may still write, when nobody reads its log any more, and somebody does soon", async (t) => {
    const late = Array.from({ length: 25 }, (_, index) => `line ${index} ${"x".repeat(4000)}`);
    const container = start(t, { says: [...at(0, ...logs.text.starting, logs.text.registered), ...at(2500, ...late)] });
    const reader = await readerOf(container);
    process.kill(reader, "SIGKILL");
    await vi.waitFor(() => expect(container.output().filter((line) => line.startsWith("line "))).toEqual(late), slow);
    expect(await readerOf(container)).not.toBe(reader);
    process.kill(container.pid, "SIGTERM");
    expect(await container.exitCode).toBe(0);
  });

  it("leaves a process behind that holds its output keeps the container for some seconds only", async (t) => {
    const command = join(folder, "leaves-a-child");
    writeFileSync(command, "#!/bin/sh\nsleep 30 &\nexit 3\n", { mode: 0o755 });
    const started = performance.now();
    const container = start(t, {}, { AGENT_FLEETS_AGENT_COMMAND: command });
    expect(await container.exitCode).toBe(3);
    expect(performance.now() - started).toBeLessThan(25_000);
  });
});
