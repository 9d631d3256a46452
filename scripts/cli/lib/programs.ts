import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Context } from "./context.ts";
import { Interrupted, UserError } from "./errors.ts";

/**
 * The path of `terraform`, else of `tofu`, on PATH. `wanted`, a name or a path, or `TERRAFORM_BINARY_NAME`, the variable
 * that cdktf reads too, chooses another program.
 *
 * @throws UserError if there is none
 */
export function findTerraform({ env, cwd }: Context, wanted = env.TERRAFORM_BINARY_NAME): string {
  const names = wanted ? [wanted] : ["terraform", "tofu"];
  const found = names.flatMap((name) => programsNamed(name, env.PATH ?? "", cwd)).find(isProgram);
  if (found) return found;
  throw new UserError(
    wanted ? `There is no program ${wanted}.` : "Neither terraform nor tofu is on PATH.",
    "Install Terraform or OpenTofu, 1.11 or later. --terraform or TERRAFORM_BINARY_NAME names one outside PATH.",
  );
}

function programsNamed(name: string, path: string, cwd: string): string[] {
  if (/[/\\]/.test(name)) return [resolve(cwd, name)];
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => [name, `${name}.exe`].map((file) => resolve(cwd, join(folder, file))));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** How {@link runProgram} runs a program. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Context["env"];
  /** Where its output goes, or who reads it; its errors always go to standard error. */
  readonly outputTo: "stdout" | "stderr" | ((text: string) => void);
}

/**
 * Runs a program and resolves to its exit code. A person's terminal becomes its own, so that it can ask; elsewhere it has no
 * input, and its output is passed on as it comes.
 *
 * An interrupt never ends us before the program: Terraform writes its state last. Ctrl-C reaches both. SIGTERM is passed
 * on once, because Terraform takes a second signal for an order to leave at once.
 *
 * @throws UserError after an interrupt, when the program has ended
 */
export async function runProgram(
  { terminal }: Context,
  program: string,
  args: readonly string[],
  { cwd, env, outputTo }: ProgramOptions,
): Promise<number> {
  const outputs = terminal.interactive
    ? ([0, typeof outputTo === "function" ? "pipe" : outputTo === "stdout" ? 1 : 2, 2] as const)
    : (["ignore", "pipe", "pipe"] as const);
  const read = typeof outputTo === "function" ? outputTo : (text: string) => terminal[outputTo].write(text);
  let interrupted = false;
  let child: ChildProcess | undefined;
  const wait = () => {
    interrupted = true;
  };
  const passOn = () => {
    interrupted = true;
    if (child?.killed === false) child.kill("SIGTERM");
  };
  // Before the program begins: a signal in between would end us alone.
  process.on("SIGINT", wait).on("SIGTERM", passOn);
  try {
    child = spawn(program, args, { cwd, env, stdio: [...outputs] });
    child.stdout?.setEncoding("utf8").on("data", read);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => terminal.stderr.write(text));
    const [code] = await once(child, "close");
    if (interrupted) throw new Interrupted("Interrupted.", "The running command has ended. Nothing else was begun.");
    return code ?? 1;
  } finally {
    process.off("SIGINT", wait).off("SIGTERM", passOn);
  }
}
