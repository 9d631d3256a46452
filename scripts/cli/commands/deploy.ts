import type { Command } from "commander";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { afterDeploy, programFor } from "../lib/next-commands.ts";
import {
  inOwnFolder,
  keepDeployed,
  refuseUnsentState,
  type SynthOptions,
  sharedRun,
  takesSynthOptions,
  type Workplace,
} from "../lib/own-folder.ts";
import { findTerraform, runProgram } from "../lib/programs.ts";
import { chooseStacks, leftoverStack, type SynthesizedStack } from "../lib/synthesized.ts";
import type { Ui } from "../lib/ui.ts";

interface Options extends SynthOptions {
  readonly autoApprove?: true;
  readonly ignoreMissingStackDependencies?: true;
  readonly migrateState?: true;
  readonly upgrade?: true;
}

/** A command that runs Terraform in the folders of stacks. */
interface Job {
  readonly name: "deploy" | "diff" | "destroy";
  readonly summary: string;
  readonly description: string;
  readonly terraform: "apply" | "plan" | "destroy";
  /** What the command has done to a stack. */
  readonly done: "Deployed" | "Planned" | "Destroyed";
}

const jobs: readonly Job[] = [
  {
    name: "deploy",
    summary: "deploy stacks",
    description:
      "Synthesizes, then applies each named stack after those that it depends on. Stops at the first failure.",
    terraform: "apply",
    done: "Deployed",
  },
  {
    name: "diff",
    summary: "show what a deployment would change",
    description: "Synthesizes, then plans each named stack. Fails if one cannot be planned.",
    terraform: "plan",
    done: "Planned",
  },
  {
    name: "destroy",
    summary: "destroy stacks",
    description:
      "Synthesizes, then destroys each named stack before those that it depends on. Stops at the first failure.",
    terraform: "destroy",
    done: "Destroyed",
  },
];

/** `fleet deploy`, `fleet diff` and `fleet destroy`. */
export function addDeployCommands(program: Command, context: Context): void {
  for (const job of jobs) {
    const command = program
      .command(job.name)
      .summary(job.summary)
      .description(`${job.description} Needs Terraform or OpenTofu, 1.11 or later. See docs/deploying.md.`)
      .argument("<stack...>", "names of stacks: their config files without .yaml; '*' for all");
    if (job.terraform !== "plan") command.option("--auto-approve", "do not ask");
    if (job.terraform === "apply") {
      command.option(
        "--migrate-state",
        "after a change of `backend`: let Terraform move the state there; it asks first",
      );
    }
    if (job.terraform === "destroy") {
      command.option("--ignore-missing-stack-dependencies", "destroy even if unnamed stacks depend on a named one");
    }
    takesSynthOptions(command)
      .option("--upgrade", "let providers and lock file move to newer versions")
      .addHelpText("after", `\nExample:\n  fleet ${job.name} ci-agents`)
      .action((names: string[], options: Options) => runJob(context, job, names, options, command));
  }
}

async function runJob(
  context: Context,
  job: Job,
  names: readonly string[],
  options: Options,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  if (job.terraform !== "plan" && !options.autoApprove && !context.terminal.interactive) {
    throw new UserError(
      `fleet ${job.name} asks before it changes anything, and here nobody can answer.`,
      "Add --auto-approve.",
    );
  }
  const terraform = findTerraform(context, options.terraform);
  const outputTo = command.optsWithGlobals().json ? "stderr" : "stdout";
  await inOwnFolder(context, options, names, async (place) => {
    const succeeded: SynthesizedStack[] = [];
    const failures: string[] = [];
    for (const stack of chosenStacks(ui, job, place, names, options)) {
      ui.note(`--- ${job.name} ${stack.name}`);
      const failure = await runTerraform(context, terraform, job, place, stack, options, outputTo);
      if (failure === undefined) succeeded.push(stack);
      else failures.push(`${stack.name}: ${failure}.`);
      // A plan changes nothing, so one failure does not matter to the next.
      if (failures.length > 0 && job.terraform !== "plan") break;
    }
    const finished = succeeded.map(({ name }) => name);
    const done = `${job.done}: ${finished.join(", ") || "nothing"}.`;
    if (failures.length > 0) throw new UserError(failures.join("\n"), `The lines above say why. ${done}`);
    const next = await nextCommands(context, job, succeeded);
    ui.result(
      { [job.done.toLowerCase()]: finished, ...(next.length > 0 && { next }) },
      [done, ...(next.length > 0 ? ["Next:", ...next.map((each) => `  ${each}`)] : [])].join("\n"),
    );
  });
}

/** The commands that follow. */
function nextCommands(
  context: Context,
  { terraform }: Job,
  stacks: readonly SynthesizedStack[],
): Promise<readonly string[]> | readonly string[] {
  if (terraform === "apply") return afterDeploy(context, stacks);
  return terraform === "plan" && stacks.length > 0
    ? [`${programFor(context)} deploy ${stacks.map(({ name }) => name).join(" ")}`]
    : [];
}

/** The named stacks in the order of the job. */
function chosenStacks(
  ui: Ui,
  job: Job,
  { stacks: all, output }: Workplace,
  names: readonly string[],
  options: Options,
): readonly SynthesizedStack[] {
  if (job.terraform !== "destroy") {
    const chosen = chooseStacks(all, names);
    for (const { name, dependencies } of chosen) {
      const missing = dependencies.filter((other) => !chosen.some((stack) => stack.name === other));
      if (missing.length > 0) ui.note(`${name} depends on ${missing.join(", ")}, which must be deployed already.`);
    }
    return chosen;
  }
  const chosen = chooseStacks(all, names, (name) => leftoverStack(output, name)).toReversed();
  const dependants = all.filter(
    (stack) =>
      !chosen.includes(stack) && stack.dependencies.some((name) => chosen.some((other) => other.name === name)),
  );
  if (dependants.length > 0 && !options.ignoreMissingStackDependencies) {
    throw new UserError(
      `These stacks depend on what is to be destroyed: ${dependants.map(({ name }) => name).join(", ")}.`,
      "Name them too. If they are not deployed, add --ignore-missing-stack-dependencies.",
    );
  }
  return chosen;
}

/** Resolves to the failure, if there is one. A state moves only if the user says so, and is never overwritten unasked. */
async function runTerraform(
  context: Context,
  terraform: string,
  job: Job,
  { output }: Workplace,
  stack: SynthesizedStack,
  options: Options,
  outputTo: "stdout" | "stderr",
): Promise<string | undefined> {
  const { interactive } = context.terminal;
  const input = interactive ? [] : ["-input=false", "-no-color"];
  const commands = [
    ["init", ...input, ...(options.migrateState ? ["-migrate-state"] : []), ...(options.upgrade ? ["-upgrade"] : [])],
    [job.terraform, ...input, ...(options.autoApprove ? ["-auto-approve"] : [])],
  ];
  if (job.terraform !== "plan") refuseUnsentState(output, stack.name);
  const run = sharedRun(context, output, stack);
  const env = { ...context.env, ...run.env, ...(!interactive && { TF_IN_AUTOMATION: "1" }) };
  for (const args of commands) {
    let code: number | undefined;
    try {
      code = await runProgram(context, terraform, args, { cwd: stack.folder, env, outputTo });
    } finally {
      if (args[0] === "apply") keepDeployed(output, stack, code === 0);
    }
    if (code === 0) {
      if (args[0] === "init" && job.terraform !== "plan") run.keepVersions();
      continue;
    }
    // Terraform ends alike after an error and after an answer that is not "yes".
    const refused = interactive && args[0] !== "plan" && !options.autoApprove ? ", if it was not you who refused" : "";
    return `${[terraform, ...args].join(" ")} failed with exit code ${code}${refused}`;
  }
  return undefined;
}
