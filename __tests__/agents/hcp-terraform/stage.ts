import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TestContext, vi } from "vitest";
import { type Container, dash, type Environment, readProc, startContainer } from "./container.ts";

/** An obviously fake value that must turn up nowhere but in the agent's environment. */
export const token = "canary-agent-token";
/** Where containers start: holds the stand-in agent under its upstream name and what stands for job processes. */
export const folder = mkdtempSync(join(tmpdir(), "entry-point-"));
const agentCommand = join(folder, "tfc-agent");
/** Executable of a job that the entry point knows by default. */
export const terraform = join(folder, "terraform");
/** The entry point sees every process of this machine, so only a name of our own tells that a job ended. */
export const ownJob = join(folder, `job-${process.pid}`);

const program = fileURLToPath(new URL("stand-in-agent.mjs", import.meta.url));
writeFileSync(agentCommand, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
chmodSync(agentCommand, 0o755);
chmodSync(folder, 0o755);
for (const job of [terraform, ownJob]) symlinkSync(dash ?? "/bin/sh", job);

if (!dash) process.stderr.write("SKIPPED: the entry point's tests need dash and /proc, which this machine lacks\n");

/** To be called after all tests of a file. */
export function removeFolder(): void {
  rmSync(folder, { recursive: true, force: true });
}

/** What the stand-in agent does, see stand-in-agent.mjs. */
interface Part {
  readonly jobUntil?: string;
  readonly leaveMs?: number;
  readonly exitCode?: number;
  readonly endsAfterMs?: number;
  readonly ignores?: boolean;
  readonly says?: readonly (readonly [afterMs: number, line: string])[];
}

/** A single-use burst agent whose timers are far away; `undefined` takes a variable out. */
export function environment(part: Part, changes: Environment = {}): Environment {
  return {
    PATH: process.env.PATH,
    TFC_AGENT_TOKEN: token,
    TFC_AGENT_NAME: "fleet-1",
    TFC_AGENT_SINGLE: "true",
    AGENT_FLEETS_ROLE: "burst",
    AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: "600",
    AGENT_FLEETS_MAX_LIFETIME_SECONDS: "3600",
    AGENT_FLEETS_AGENT_COMMAND: agentCommand,
    STAND_IN: JSON.stringify(part),
    ...changes,
  };
}

/** Starts a container that ends with its test. */
export function start(context: TestContext, part: Part, changes?: Environment): Container {
  const container = startContainer(environment(part, changes), folder);
  context.onTestFinished(() => container.destroy());
  return container;
}

/** Patience for what a busy machine does late. */
export const waiting = { timeout: 60_000 };

/** A job that ends when the test says so, not when a time is over: the machine may be slow. */
export function aJob() {
  const file = join(folder, randomUUID());
  return { part: { jobUntil: file }, end: () => writeFileSync(file, "") };
}

/** Starts what stands for a job's process, and waits until others can see it; ends with its test. */
export async function startJobProcess(context: TestContext, program: string): Promise<{ end(): void }> {
  const child = spawn(program, ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"] });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  context.onTestFinished(() => void child.kill("SIGKILL"));
  await vi.waitFor(() => {
    if (!readProc(pid, "stat").includes(`(${basename(program)})`)) throw new Error(`${program} does not run yet`);
  }, waiting);
  return { end: () => child.stdin.end() };
}

/** The process that reads what the agent writes. */
export async function readerOf(container: Container): Promise<number> {
  const { pid: agent } = await container.sees("started");
  return vi.waitFor(() => {
    const readers = container
      .processes()
      .filter(({ name, pid, parent }) => parent === container.pid && pid !== agent && name !== "sleep");
    const [reader, ...others] = readers;
    if (!reader || others.length > 0) throw new Error(`${readers.length} processes read the agent's log`);
    return reader.pid;
  }, waiting);
}

/** The one process with which the entry point waits. */
export async function napOf(container: Container): Promise<number> {
  return vi.waitFor(() => {
    const naps = container.processes().filter(({ name, parent }) => name === "sleep" && parent === container.pid);
    const [nap, ...others] = naps;
    if (!nap || others.length > 0) throw new Error(`the entry point naps ${naps.length} times at once`);
    return nap.pid;
  }, waiting);
}
