import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { explain, UserError } from "./errors.ts";
import { synthesize } from "./synthesize.ts";
import { deployedFolder, type SynthesizedStack, synthesizedStacks } from "./synthesized.ts";

const lockFile = ".terraform.lock.hcl";
const dataFolder = ".terraform";
const prefix = ".fleet-";
/**
 * The file in the working folder that takes a state which its backend does not take (`backupStateForError` in OpenTofu's
 * internal/backend/local/backend_apply.go; Terraform does the same). Nothing else knows then what was made.
 */
const unsentState = "errored.tfstate";

/** Options of the commands that run Terraform on stacks. */
export interface SynthOptions {
  readonly synth: boolean;
  /** The folder that `npm run synth` and `cdktf` write to. */
  readonly output: string;
  /** Left out: what `findTerraform` finds. */
  readonly terraform?: string;
}

/** Gives a command the {@link SynthOptions}. @param when when they count, such as `with --stack` */
export function takesSynthOptions(command: Command, when?: string): Command {
  const said = (text: string) => (when === undefined ? text : `${when}: ${text}`);
  return command
    .option("--no-synth", said("take the files that are in the output folder"))
    .option(
      "--output <folder>",
      said("the folder of `npm run synth`; its neighbour state/ has local states"),
      "cdktf.out",
    )
    .option(
      "--terraform <program>",
      said("terraform, tofu or a path (default: TERRAFORM_BINARY_NAME, else what PATH has)"),
    );
}

/** Stacks for Terraform to work on. */
export interface Workplace {
  readonly stacks: readonly SynthesizedStack[];
  /** The folder of {@link SynthOptions.output}, absolute. */
  readonly output: string;
}

/**
 * Synthesizes the stacks of these names into a folder that only this command knows, lets `use` work there, and removes
 * it. A `cdktf deploy` that runs meanwhile keeps its own files. The folder lies beside the output, so relative paths of
 * local states lead to the same file. Without a synth, `use` works in the output itself.
 *
 * The folder stays if a state in it reached no backend.
 *
 * @throws UserError if a config is wrong; the error of `use`, which names such states
 */
export async function inOwnFolder<T>(
  context: Context,
  options: SynthOptions,
  names: readonly string[],
  use: (place: Workplace) => Promise<T>,
): Promise<T> {
  const output = resolve(context.cwd, options.output);
  if (!options.synth) return use({ stacks: synthesizedStacks(output), output });
  const folder = makeFolder(dirname(output));
  try {
    await synthesize(context, folder, names, output);
    return await use({ stacks: synthesizedStacks(folder), output });
  } catch (error) {
    throw stackFolders(folder).some(holdsState) ? namingStates(error, folder) : error;
  } finally {
    if (!stackFolders(folder).some(holdsState)) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Terraform would make everything a second time that only such a state knows.
 *
 * @throws UserError if an earlier deploy left a state of the stack that reached no backend
 */
export function refuseUnsentState(output: string, name: string): void {
  const parent = dirname(output);
  const own = existsSync(parent) ? readdirSync(parent).filter((each) => each.startsWith(prefix)) : [];
  const folders = [output, ...own.map((each) => join(parent, each))].map((each) => join(each, "stacks", name));
  const found = folders.find(holdsState);
  if (found) throw new UserError(`The last deploy of ${name} left a state that is nowhere else.`, sendingOf([found]));
}

function stackFolders(folder: string): string[] {
  const stacks = join(folder, "stacks");
  return existsSync(stacks) ? readdirSync(stacks).map((name) => join(stacks, name)) : [];
}

function holdsState(stackFolder: string): boolean {
  return existsSync(join(stackFolder, unsentState));
}

function namingStates(error: unknown, folder: string): UserError {
  const { error: failure, hint } = explain(error);
  const found = stackFolders(folder).filter(holdsState);
  const names = found.map((each) => basename(each)).join(", ");
  return new UserError(
    `${failure}\nThe backend did not take the state of ${names}, so ${folder} stays.`,
    `${hint} ${sendingOf(found)}`,
  );
}

function sendingOf(stackFolders: readonly string[]): string {
  const commands = stackFolders.map(
    (each) => `cd ${JSON.stringify(each)} && terraform init && terraform state push ${unsentState}`,
  );
  return (
    `Deploy nothing before the state is in its backend. When the backend answers again: ${commands.join("; ")}. ` +
    `Then delete ${stackFolders.map((each) => join(each, unsentState)).join(" and ")}.`
  );
}

function makeFolder(parent: string): string {
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, prefix));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UserError(`No folder can be made in ${parent} (${why}).`, "Give another --output. Nothing was changed.");
  }
}

/** How Terraform runs on a stack in a folder of its own. */
export interface TerraformRun {
  /** Variables for Terraform. */
  readonly env: Readonly<Record<string, string>>;
  /** Keeps the versions of the providers that `terraform init` chose, for the next run. */
  keepVersions(): void;
}

/**
 * A run that uses what earlier runs left in the output's folder of the stack: providers, their locked versions, and the
 * note on the backend, by which Terraform sees that a state has to move. `cdktf` leaves the same there.
 * https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_data_dir
 */
export function sharedRun(context: Context, output: string, { name, folder }: SynthesizedStack): TerraformRun {
  const home = join(output, "stacks", name);
  if (folder === home) return { env: {}, keepVersions: () => {} };
  mkdirSync(home, { recursive: true });
  copyFile(home, folder, lockFile);
  return {
    env: { TF_DATA_DIR: resolve(home, context.env.TF_DATA_DIR || dataFolder) },
    keepVersions: () => copyFile(folder, home, lockFile),
  };
}

/**
 * Variables for a run that leaves nothing behind. It links to the providers that earlier runs left, as Terraform does with
 * those of a plugin cache, so most often it has nothing to load.
 * https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
 */
export function readingRun(context: Context, output: string, { name, folder }: SynthesizedStack): TerraformRun["env"] {
  const home = join(output, "stacks", name);
  if (folder === home) return {};
  copyFile(home, folder, lockFile);
  const data = join(folder, dataFolder);
  linkProviders(join(resolve(home, context.env.TF_DATA_DIR || dataFolder), "providers"), join(data, "providers"));
  return { TF_DATA_DIR: data };
}

/**
 * Keeps what a deploy has applied, for a destroy after the stack's config is gone. One that failed may have made a part of
 * it, so it counts until one succeeds; but it may also have been refused, so it takes the place of none.
 */
export function keepDeployed(output: string, { name, folder }: SynthesizedStack, succeeded: boolean): void {
  const kept = deployedFolder(output, name);
  if (folder === kept || folder === join(output, "stacks", name)) return;
  if (!succeeded && existsSync(kept)) return;
  rmSync(kept, { recursive: true, force: true });
  cpSync(folder, kept, { recursive: true, filter: (path) => basename(path) !== unsentState });
}

function copyFile(from: string, to: string, name: string): void {
  const [source, target] = [join(from, name), join(to, name)];
  if (!existsSync(source)) return;
  if (!existsSync(target) || !readFileSync(target).equals(readFileSync(source))) copyFileSync(source, target);
}

/** Folders of a provider: host, namespace, type, version, and the platform with the program. */
const levels = 5;

function linkProviders(from: string, to: string, level = levels): void {
  if (!existsSync(from)) return;
  if (level === 0) {
    symlinkSync(from, to, "junction");
    return;
  }
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from)) linkProviders(join(from, entry), join(to, entry), level - 1);
}
