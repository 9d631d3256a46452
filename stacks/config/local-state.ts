import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, posix, relative, resolve, win32 } from "node:path";
import * as z from "zod";
import { ConfigError } from "./errors.ts";
import type { LoadedStack } from "./load.ts";

/** From the folder in which Terraform runs, `<output>/stacks/<stack>`, to the one that holds the output. */
const toProject = "../../..";
const folder = "state";
/** `allow`: no warning; `refuse`: an error, for runs on machines that go with the job. */
const variable = "AGENT_FLEETS_LOCAL_STATE";

const outputVariable = "AGENT_FLEETS_OUTPUT";

/** The variable that tells the app where the usual output lies, while it writes to another folder beside it. */
export function outputForApp(output: string): Readonly<Record<string, string>> {
  return { [outputVariable]: output };
}

/** The usual output: where earlier versions kept states. */
export function outputOf(env: NodeJS.ProcessEnv): string {
  return env[outputVariable] || env.CDKTF_OUTDIR || "cdktf.out";
}

/**
 * The state file of a stack with `backend: { type: local }`, as Terraform reads it from the stack's synthesized folder.
 * It lies outside the output: `cdktf` deletes the folder there of every stack that has no config.
 *
 * @param path absolute, or relative to the folder that holds the output
 */
export function localStatePath(stack: string, path: string = `${folder}/${fileOf(stack)}`): string {
  return posix.isAbsolute(path) || win32.isAbsolute(path) ? path : posix.join(toProject, path);
}

function fileOf(stack: string): string {
  return `terraform.${stack}.tfstate`;
}

/**
 * Keeps the state of every stack that the output folder knows: moves files that earlier versions kept inside the output
 * to where they are now, also for stacks without a config, which `cdktf` is about to delete.
 *
 * @param outdir the folder that `cdktf` writes to
 * @returns one line for each file it moved, and for stacks that have a state but no config
 * @throws ConfigError where there are two states of one stack, or a run of Terraform holds the state
 */
export function keepStates(outdir: string, stacks: readonly LoadedStack[]): string[] {
  const configs = new Map(stacks.map(({ name, config }) => [name, config]));
  const moved = subfolders(join(outdir, "stacks")).flatMap((stackFolder) => {
    const name = basename(stackFolder);
    const backend = configs.get(name)?.backend;
    // Terraform itself moves the state to another kind of backend, from where it is.
    if (backend && backend.type !== "local") return [];
    return moveState(formerFile(stackFolder), resolve(stackFolder, localStatePath(name, backend?.path)), stackFolder);
  });
  const project = dirname(resolve(outdir));
  const left = deployedIn(join(project, folder)).filter((name) => configs.get(name)?.backend.type !== "local");
  if (left.length === 0) return moved;
  return [
    ...moved,
    `the folder ${folder}/ holds the state of ${left.join(", ")}, which this run has no config with a local backend for. ` +
      "What they deployed still exists: bring the config back to change or destroy it",
  ];
}

/**
 * Says which stacks keep their state in a file of this machine, as a warning.
 *
 * @throws ConfigError where `AGENT_FLEETS_LOCAL_STATE` refuses that, or has a value that it may not have
 */
export function localStateWarnings(stacks: readonly LoadedStack[], env: NodeJS.ProcessEnv): string[] {
  const wish = env[variable] || "warn";
  if (!["allow", "warn", "refuse"].includes(wish)) {
    throw new ConfigError([`${variable}: must be allow, warn or refuse, found ${JSON.stringify(wish)}`]);
  }
  const local = stacks.filter(({ config }) => config.backend.type === "local").map(({ name }) => name);
  if (local.length === 0 || wish === "allow") return [];
  const said = `backend.type is local, so the state of ${local.join(", ")} is a file of this machine`;
  if (wish === "refuse") {
    throw new ConfigError([`${said}, which ${variable}=refuse forbids: set backend to s3 or cloud`]);
  }
  return [`${said}. That is for trials: set backend to s3 or cloud before others depend on the agents`];
}

const backendRecord = z.object({
  backend: z.object({ type: z.literal("local"), config: z.object({ path: z.string().nullable() }) }),
});

/** Terraform's note on which backend it uses in a folder. */
function recordIn(stackFolder: string): string {
  return join(stackFolder, ".terraform/terraform.tfstate");
}

/** Where the last run of Terraform kept the state. */
function formerFile(stackFolder: string): string {
  const { data } = backendRecord.safeParse(readJson(recordIn(stackFolder)));
  return resolve(stackFolder, data?.backend.config.path ?? fileOf(basename(stackFolder)));
}

function moveState(from: string, to: string, stackFolder: string): string[] {
  if (from === to || !existsSync(from)) return [];
  const [shownFrom, shownTo] = [relative(process.cwd(), from), relative(process.cwd(), to)];
  if (existsSync(join(dirname(from), `.${basename(from)}.lock.info`))) {
    throw new ConfigError([`Terraform is using ${shownFrom}, which is to move to ${shownTo}: wait until it has ended`]);
  }
  if (existsSync(to)) {
    throw new ConfigError([
      `there are two states of ${basename(stackFolder)}: ${shownFrom} and ${shownTo}. Keep the right one and remove the other`,
    ]);
  }
  move(from, to);
  if (existsSync(`${from}.backup`)) move(`${from}.backup`, `${to}.backup`);
  // Otherwise Terraform asks whether to move the state.
  rmSync(recordIn(stackFolder), { force: true });
  return [`the state in ${shownFrom} is now in ${shownTo}, where cdktf deletes nothing`];
}

function move(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}

const stateFile = z.object({ resources: z.array(z.object({ mode: z.string() })) });

/** The stacks whose state in a folder lists something that Terraform made. */
function deployedIn(states: string): string[] {
  if (!existsSync(states)) return [];
  return readdirSync(states).flatMap((file) => {
    const name = /^terraform\.(.+)\.tfstate$/.exec(file)?.[1];
    if (name === undefined) return [];
    const { data } = stateFile.safeParse(readJson(join(states, file)));
    return data?.resources.some(({ mode }) => mode === "managed") ? [name] : [];
  });
}

function subfolders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? join(path, entry.name) : [],
  );
}

/** `undefined` where there is no file, or no JSON in it. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
