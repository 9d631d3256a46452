import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Clock } from "../../../../handlers/lib/core/ports.ts";
import { hasSucceeded, isFinalRunStatus } from "../../../../handlers/lib/vendors/hcp-terraform/run-status.ts";
import { type LoadedStack, loadStack } from "../../../../stacks/config/load.ts";
import type { HcpTerraformAdmin } from "../../hcp/admin.ts";
import type { Run } from "../../hcp/runs.ts";
import { packFolder } from "../../lib/archive.ts";
import { type Context, uiOf } from "../../lib/context.ts";
import { asking, UserError } from "../../lib/errors.ts";
import { following, type Patience } from "../../lib/following.ts";
import { addressOf, adminAt, findWorkspaces } from "../../lib/hcp-terraform.ts";

interface RunOptions {
  readonly autoApply?: true;
  readonly planOnly?: true;
  readonly message?: string;
  readonly output: string;
  readonly timeoutSeconds: number;
}

const pollMilliseconds = 3_000;
const shownLogLines = 40;

/** `fleet hcp run`. */
export function addRunCommand(hcp: Command, context: Context): void {
  hcp
    .command("run")
    .summary("run a synthesized stack in the workspace of its backend")
    .description(
      "Uploads the synthesized directory of a stack to the workspace of its cloud backend, starts a run there and " +
        "follows it to its end. Fails if the run fails.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--auto-apply", "apply without asking; left out: as the workspace is set")
    .addOption(new Option("--plan-only", "a speculative plan, which cannot be applied").conflicts("autoApply"))
    .option("--message <text>", "the run's message")
    .option("--output <folder>", "where `npm run synth` wrote to", "cdktf.out")
    .option("--timeout-seconds <n>", "how long to follow the run", seconds, 3600)
    .addHelpText("after", "\nExample:\n  npm run synth && fleet hcp run ci-agents --auto-apply")
    .action(
      asking("hcp-terraform", (stack: string, options: RunOptions, command: Command) =>
        runStack(context, stack, options, command),
      ),
    );
}

async function runStack(context: Context, stackName: string, options: RunOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const backend = cloudBackend(loadStack(stackName, context));
  const folder = synthesizedFolder(resolve(context.cwd, options.output), stackName);
  const address = addressOf(context, command, backend.hostname);
  const admin = await adminAt(context, address);

  const started = await ui.during(`Uploading ${stackName} to workspace ${backend.workspace}`, async (step) => {
    const [workspace] = await findWorkspaces(admin, backend.organization, [backend.workspace]);
    const archive = await packFolder(folder);
    if (archive.leftOut.length > 0) step(`Not uploaded: ${archive.leftOut.join(", ")}`);
    const planOnly = options.planOnly === true;
    const workspaceId = workspace?.id ?? "";
    const version = await admin.createConfigurationVersion(workspaceId, { speculative: planOnly });
    step(`Uploading ${archive.files} files, ${Math.ceil(archive.bytes.length / 1024)} kB`);
    await admin.upload(version.uploadUrl, archive.bytes);
    await untilUploaded(context.clock, admin, version.id);
    const message = options.message ?? `fleet hcp run ${stackName}`;
    return admin.createRun({
      ...{ workspaceId, message, planOnly },
      configurationVersionId: version.id,
      autoApply: options.autoApply,
    });
  });
  const url = `${address}/app/${backend.organization}/workspaces/${backend.workspace}/runs/${started.id}`;
  ui.note(url);

  const ended = await ui.watch(`Following ${started.id}`, (step, interrupted) =>
    follow(admin, started, { clock: context.clock, timeoutSeconds: options.timeoutSeconds, url, step, interrupted }),
  );
  if (ended === "interrupted") throw await leave(context, admin, started.id, url);
  const success = hasSucceeded(ended.status);
  if (!success) ui.note(await lastLogLines(admin, ended));
  ui.result(
    { run_id: ended.id, run_url: url, status: ended.status, succeeded: success },
    `Run ${ended.id}: ${ended.status}`,
  );
  if (!success) throw new UserError(`The run ended as ${ended.status}.`, `See ${url}`);
}

function cloudBackend({ name, file, config: { backend } }: LoadedStack) {
  if (backend.type === "cloud") return backend;
  throw new UserError(
    `${name} keeps its state in a ${backend.type} backend, so there is no workspace to run it in.`,
    `Set backend: { type: cloud, organization: …, workspace: … } in ${file}, or use fleet deploy ${name}.`,
  );
}

function synthesizedFolder(output: string, stackName: string): string {
  const folder = join(output, "stacks", stackName);
  if (existsSync(join(folder, "cdk.tf.json"))) return folder;
  throw new UserError(`${stackName} is not synthesized: ${folder} holds no cdk.tf.json.`, "Run npm run synth first.");
}

/** HCP Terraform takes some time to unpack the archive. It refuses a run before that. */
async function untilUploaded(clock: Clock, admin: HcpTerraformAdmin, id: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const status = await admin.configurationVersionStatus(id);
    if (status === "uploaded") return;
    if (status === "errored") break;
    await clock.sleep(pollMilliseconds);
  }
  throw new UserError("HCP Terraform could not process the upload.", "Synthesize again, then try again.");
}

/** Resolves to the run in its final state. */
async function follow(
  admin: HcpTerraformAdmin,
  started: Run,
  { url, ...patience }: Patience & { readonly url: string },
): Promise<Run | "interrupted"> {
  const { say, pause } = following(patience, pollMilliseconds);
  for (let run = started; ; run = await admin.getRun(run.id)) {
    say(run.confirmable ? `${run.status}: waits for a person to confirm or discard it at ${url}` : run.status);
    if (hasSucceeded(run.status) || isFinalRunStatus(run.status)) return run;
    const ending = await pause();
    if (ending === "interrupted") return ending;
    if (ending === "timeout") {
      throw new UserError(
        `The run is still ${run.status} after ${patience.timeoutSeconds} s.`,
        `It goes on without us: see ${url}`,
      );
    }
  }
}

/** Asks the person whether the run shall end too. Resolves to the error that ends the command. */
async function leave(
  { terminal: { prompts } }: Context,
  admin: HcpTerraformAdmin,
  id: string,
  url: string,
): Promise<UserError> {
  const goesOn = new UserError("Interrupted. The run goes on.", `See ${url}`);
  const run = await admin.getRun(id);
  if (!prompts || run.stoppable === undefined) return goesOn;
  const answer = await prompts.choose(`The run is ${run.status} and goes on without us.`, [
    { value: "leave", label: "let it go on" },
    { value: run.stoppable, label: `${run.stoppable} it` },
  ]);
  if (answer === "leave") return goesOn;
  await admin.stopRun(id, run.stoppable);
  return new UserError(`Interrupted. HCP Terraform was asked to ${run.stoppable} the run.`, `See ${url}`);
}

/** The last lines of the apply's log, else of the plan's. */
async function lastLogLines(admin: HcpTerraformAdmin, { applyId, planId }: Run): Promise<string> {
  const log =
    (applyId && (await admin.readLog("applies", applyId))) || (planId && (await admin.readLog("plans", planId)));
  return stripVTControlCharacters(log || "The run has no log.")
    .trimEnd()
    .split("\n")
    .slice(-shownLogLines)
    .join("\n");
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
