import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";
import { Writable } from "node:stream";

const scripts = new URL("../../../agents/hcp-terraform/", import.meta.url);
const launcher = readFileSync(new URL("launcher.sh", scripts), "utf8");
const entryPoint = readFileSync(new URL("entry-point.sh", scripts), "utf8");

/** The shell of the upstream image, or `undefined` where this machine has none or no /proc. */
export const dash = ["/bin/sh", "/bin/dash", "/usr/bin/dash"].find(
  (path) => existsSync("/proc/self/stat") && existsSync(path) && basename(realpathSync(path)) === "dash",
);
const shell = dash ?? "/bin/sh";

/** What the stand-in agent wrote first. */
interface Started {
  readonly event: "started";
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** What the stand-in agent wrote later. */
interface Happened {
  readonly event: "signal" | "job done" | "dropped";
  readonly signal?: string;
}

type Report = Started | Happened;

/** Variables by name; `undefined` takes one out. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: string;
  readonly session: number;
}

/** A running entry point with its agent: what ECS would have started in a container. */
export interface Container {
  /** The shell's. */
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves to the exit code as ECS would report it, 128 + n after death by signal n, when all output has been read. */
  readonly exitCode: Promise<number>;
  /** What happened to the agent, in order. */
  events(): readonly Report["event"][];
  /** Names of the signals that the agent got. */
  signals(): readonly string[];
  /** What the entry point logged. */
  log(): string;
  /** What the agent wrote besides, line by line. */
  output(): readonly string[];
  /** Resolves as soon as the agent reports the event; rejects when the container ends without it. */
  sees<E extends Report["event"]>(event: E): Promise<Extract<Report, { event: E }>>;
  /** Every process of the container that is still there, zombies too. */
  processes(): readonly ProcessInfo[];
  /** Closes file descriptor 3 of {@link startEntryPoint}. */
  closeToken(): void;
  /** Ends whatever is left, as the end of a container does. */
  destroy(): void;
}

/** Starts the container's command exactly as the task definition has it, with an environment of nothing but `env`. */
export function startContainer(env: Environment, cwd: string, user: { uid?: number; gid?: number } = {}): Container {
  const args = ["-c", launcher.replace("/bin/sh", shell), "agent-fleets", entryPoint];
  return follow(spawn(shell, args, { env, cwd, ...user, detached: true, stdio: ["ignore", "pipe", "pipe"] }));
}

/** Starts the second stage alone: it waits for its token, which never comes. */
export function startEntryPoint(env: Environment, cwd: string): Container {
  const args = ["-c", entryPoint, "agent-fleets"];
  return follow(spawn(shell, args, { env, cwd, detached: true, stdio: ["ignore", "pipe", "pipe", "pipe"] }));
}

function follow(child: ChildProcess): Container {
  const pid = child.pid;
  if (pid === undefined) throw new Error("the shell could not be started");
  const reports: Report[] = [];
  const output: string[] = [];
  let log = "";
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith('{"event":')) reports.push(JSON.parse(line));
      else output.push(line);
    }
    child.emit("report");
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  const inSession = () => listProcesses().filter((process) => process.session === pid);

  return {
    pid,
    child,
    exitCode: new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        const settle = () => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
        child.on("close", settle);
        // An orphan would keep the output open. What was written before is read in the rounds after the timer.
        setTimeout(() => setImmediate(() => setImmediate(settle)), 1000).unref();
      });
    }),
    events: () => reports.map((report) => report.event),
    signals: () => reports.flatMap((report) => (report.event === "signal" ? (report.signal ?? []) : [])),
    log: () => log,
    output: () => output,
    sees: <E extends Report["event"]>(event: E) =>
      new Promise<Extract<Report, { event: E }>>((resolve, reject) => {
        const isWanted = (report: Report): report is Extract<Report, { event: E }> => report.event === event;
        const look = () => {
          const found = reports.find(isWanted);
          if (found) resolve(found);
        };
        child.on("report", look);
        child.on("close", () => reject(new Error(`the container ended without "${event}": ${log}`)));
        look();
      }),
    processes: inSession,
    closeToken: () => {
      const pipe = child.stdio[3];
      if (pipe instanceof Writable) pipe.end();
    },
    destroy: () => {
      for (const { pid: left } of inSession()) {
        try {
          process.kill(left, "SIGKILL");
        } catch {
          // It ended in between.
        }
      }
    },
  };
}

function listProcesses(): ProcessInfo[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const stat = /^\d+ \((.*)\) (.*)/s.exec(readProc(Number(entry), "stat"));
      if (!stat) return [];
      const [, name = "", rest = ""] = stat;
      const [state = "", parent, , session] = rest.split(" ");
      return [{ pid: Number(entry), name, state, parent: Number(parent), session: Number(session) }];
    });
}

/** A file of /proc/<pid>, empty when the process is gone. */
export function readProc(pid: number, file: "stat" | "environ" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** The file descriptors that a process has open. */
export function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`);
}
