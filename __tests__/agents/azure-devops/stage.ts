import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TestContext, vi } from "vitest";
import { readProc } from "../hcp-terraform/container.ts";

/** An obviously fake value that must turn up nowhere but in the environment of config.sh. */
export const token = "canary-registration-token";
/** Where the agent and all that goes with it is made from. */
export const source = fileURLToPath(new URL("../../../agents/azure-devops/", import.meta.url));
const standIns = fileURLToPath(new URL("stand-ins/", import.meta.url));

/** The agent's script needs bash and /proc. */
export const canRun = existsSync("/proc/self/stat") && existsSync("/bin/bash");
if (!canRun) process.stderr.write("SKIPPED: the tests of the agent's script need bash and /proc\n");

/** Patience for what a busy machine does late. */
export const waiting = { timeout: 60_000 };

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Root may do what agents may not: tests that run as root run the agent as nobody. */
export const nobody: User = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** Variables by name; `undefined` takes one out. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A running start.sh with stand-ins for the agent. */
export interface Container {
  readonly child: ChildProcess;
  /** Where the agent lies. */
  readonly folder: string;
  /** Resolves to the exit code, 128 + n after death by signal n, when all output has been read. */
  readonly exitCode: Promise<number>;
  /** What happened, in order; process ids are left out. */
  events(): readonly string[];
  /** Resolves to the process id that an event tells, as soon as it happens. */
  sees(event: string): Promise<number>;
  /** Lets a stand-in go on that waits to be told, see `stand-ins/bin`. */
  tell(what: "begin-job" | "end-job" | "end-report"): void;
  /** Everything that was written to stdout and stderr. */
  log(): string;
  /** The arguments that config.sh got last. */
  registration(): readonly string[];
  /** The environment that a stand-in was started with. */
  environment(of: "config" | "listener" | "job"): Readonly<Record<string, string>>;
  /** Ids of all processes of the container, zombies left out. */
  processes(): readonly number[];
}

/** Starts start.sh on an agent that is not registered yet. Everything ends with the test. */
export function start(context: TestContext, changes: Environment = {}, user: User = nobody): Container {
  const root = mkdtempSync(join(tmpdir(), "azure-devops-agent-"));
  const folder = join(root, "agent");
  cpSync(standIns, folder, { recursive: true });
  mkdirSync(join(root, "stand-in"));
  mkdirSync(join(root, "bin"));
  // What start.sh waits for costs a tenth of the time, or STAND_IN_SLEEP seconds; the stand-ins call sleep by its path.
  writeFileSync(join(root, "bin/sleep"), '#!/bin/bash\nexec /bin/sleep "${STAND_IN_SLEEP:-0.$1}"\n');
  chmodSync(join(root, "bin/sleep"), 0o755);
  writeFileSync(join(root, "stand-in/events"), "");
  if (nobody.uid !== undefined) execFileSync("chown", ["-R", `${nobody.uid}:${nobody.gid}`, root]);

  const env = {
    PATH: `${root}/bin:${process.env.PATH}`,
    TMPDIR: root,
    STAND_IN: join(root, "stand-in"),
    AZP_URL: "https://dev.azure.com/acme",
    AZP_POOL: "aws",
    AZP_AGENT_NAME: "ci_1",
    AZP_TOKEN: token,
    AGENT_FLEETS_AGENT_FOLDER: folder,
    AGENT_FLEETS_ROLE: "burst",
    ...changes,
  };
  const script = join(source, "start.sh");
  const child = spawn("/bin/bash", [script], {
    env,
    cwd: "/",
    ...user,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error("bash could not be started");
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  const lines = () => readFileSync(join(root, "stand-in/events"), "utf8").split("\n").slice(0, -1);
  const strings = (file: string) =>
    readFileSync(join(root, "stand-in", file), "utf8")
      .split("\0")
      .slice(0, -1);
  const processes = () => sessionOf(pid);
  context.onTestFinished(() => {
    for (const left of processes()) {
      try {
        process.kill(left, "SIGKILL");
      } catch {
        // It ended in between.
      }
    }
    rmSync(root, { recursive: true, force: true });
  });

  return {
    child,
    folder,
    exitCode: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        const settle = () => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
        child.on("close", settle);
        // An orphan would keep the output open. What was written before is read in the rounds after the timer.
        setTimeout(() => setImmediate(() => setImmediate(settle)), 1000).unref();
      });
    }),
    events: () => lines().map((line) => line.replace(/ \d+$/, "")),
    sees: (event) =>
      vi.waitFor(
        () => {
          const line = lines().find((candidate) => candidate.replace(/ \d+$/, "") === event);
          if (line === undefined) throw new Error(`no "${event}" among ${lines().join(", ")}: ${log}`);
          return Number(/\d+$/.exec(line)?.[0]);
        },
        { ...waiting, interval: 20 },
      ),
    tell: (what) => writeFileSync(join(root, "stand-in", what), ""),
    log: () => log,
    registration: () => strings("config.args"),
    environment: (of) =>
      Object.fromEntries(
        strings(`${of}.environ`).map((entry) => [entry.split("=", 1)[0], entry.replace(/^[^=]*=/, "")]),
      ),
    processes,
  };
}

function sessionOf(leader: number): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => Number(/^\d+ \(.*\) [^ZX] \d+ \d+ (\d+)/s.exec(readProc(pid, "stat"))?.[1]) === leader);
}

/** Every file under a folder whose text holds `text`. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path, "latin1").includes(text));
}
