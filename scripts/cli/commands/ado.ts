import type { Command } from "commander";
import type { Organization } from "../../../handlers/lib/vendors/azure-devops/connection.ts";
import type { VendorDeps } from "../../../handlers/lib/vendors/deps.ts";
import type { EcsFleetConfig } from "../../../stacks/config/ecs-fleet.ts";
import { loadStack } from "../../../stacks/config/load.ts";
import { agentsOf } from "../../../stacks/config/pools.ts";
import { type AzureDevOpsConfig, urlOf } from "../../../stacks/config/vendors/azure-devops.ts";
import { createServiceHooks, type ServiceHooks } from "../azure-devops/hooks.ts";
import { readParallelJobs } from "../azure-devops/parallelism.ts";
import { type Context, credential, uiOf } from "../lib/context.ts";
import { asking, UserError } from "../lib/errors.ts";
import { fetchTo } from "../lib/outbound.ts";
import { type SynthOptions, takesSynthOptions } from "../lib/own-folder.ts";
import { readStackWebhook } from "../lib/stack-webhook.ts";
import { webhookUrl } from "../lib/webhook-url.ts";

interface HookOptions extends SynthOptions {
  readonly project: readonly string[];
}

/** `fleet ado`. */
export function addAdoCommands(program: Command, context: Context): void {
  const ado = program.command("ado").description("Azure DevOps. Asks for ADO_PAT, or reads this variable.");
  addParallelJobs(ado, context);
  const hook = ado.command("hook").description("service hooks that wake a fleet as soon as a job queues");
  const add = hook
    .command("add")
    .summary("let projects wake a fleet")
    .description(
      "Makes a service hook in each project that posts to the fleet's webhook whenever a job changes its state. An " +
        "existing hook with this URL is updated. URL and secret come from the stack: its output webhook_url, and its " +
        "hook-secret, which needs secretsmanager:GetSecretValue or ssm:GetParameter. With a URL, the secret is " +
        "HOOK_SECRET. The secret is never shown.",
    );
  takesHook(add, "\nExample:\n  fleet ado hook add ci-agents --project web").action(
    asking("azure-devops", (...given: HookArguments) => addHooks(context, ...given)),
  );
  const remove = hook
    .command("remove")
    .summary("stop projects from waking a fleet")
    .description("Removes the service hooks of projects that post to the fleet's webhook, or to the URL.");
  takesHook(remove, "\nExample:\n  fleet ado hook remove ci-agents --project web").action(
    asking("azure-devops", (...given: HookArguments) => removeHooks(context, ...given)),
  );
}

type HookArguments = [stack: string, url: string | undefined, options: HookOptions, command: Command];

function takesHook(command: Command, examples: string): Command {
  command
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("[url]", "a webhook's URL, in place of the stack's output webhook_url")
    .requiredOption("--project <name...>", "names of the projects");
  return takesSynthOptions(command, "without a URL").addHelpText("after", examples);
}

async function addHooks(context: Context, ...[stack, url, options, command]: HookArguments): Promise<void> {
  const ui = uiOf(context, command);
  const target = await targetOf(context, stack, url, options);
  const hooks = await hooksOf(stack, context);
  const secret = await target.readSecret();
  const outcomes = await ui.during("Adding service hooks", async (step) => {
    const done: { project: string; result: "created" | "updated" }[] = [];
    for (const project of options.project) {
      step(`Project ${project}`);
      done.push({ project, result: await hooks.save(project, target.url, secret) });
    }
    return done;
  });
  ui.result(
    { url: target.url, projects: outcomes },
    outcomes.map(({ project, result }) => `The service hook of project ${project} is ${result}.`).join("\n"),
  );
}

async function removeHooks(context: Context, ...[stack, url, options, command]: HookArguments): Promise<void> {
  const ui = uiOf(context, command);
  const target = await targetOf(context, stack, url, options);
  const hooks = await hooksOf(stack, context);
  const removed = await ui.during("Removing service hooks", async () => {
    let count = 0;
    for (const project of options.project) count += await hooks.remove(project, target.url);
    return count;
  });
  ui.result({ url: target.url, removed }, `Removed ${removed} service hook${removed === 1 ? "" : "s"}.`);
}

/** The webhook that the hooks call: the given one, else the stack's. */
async function targetOf(context: Context, stack: string, url: string | undefined, options: HookOptions) {
  azureDevOpsFleet(stack, context);
  if (url === undefined) {
    const webhook = await readStackWebhook(context, loadStack(stack, context), "hook-secret", options);
    return { url: webhook.url, readSecret: webhook.readKey };
  }
  const readSecret = () => credential(context, "HOOK_SECRET", "the value of the stack's hook-secret secret");
  return { url: webhookUrl(url), readSecret };
}

function addParallelJobs(ado: Command, context: Context): void {
  ado
    .command("parallel-jobs")
    .summary("compare a fleet's limits with what the organization has bought")
    .description(
      "Shows how many jobs the organization may run on self-hosted agents at a time. Warns if the fleet may have more " +
        "agents, because those would get no job.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .action(
      asking("azure-devops", async (stack: string, _options: unknown, command: Command) => {
        const ui = uiOf(context, command);
        const fleet = azureDevOpsFleet(stack, context);
        const pat = await credential(
          context,
          "ADO_PAT",
          "a personal access token that may read the organization's usage",
        );
        const parallelJobs = await ui.during("Asking Azure DevOps", () =>
          readParallelJobs(organizationOf(fleet.vendor), depsOf(context, fleet.vendor, pat)),
        );
        const pools = fleet.pools?.map((pool) => agentsOf(fleet.agents, pool)) ?? [fleet.agents];
        const maxAgents = pools.reduce((sum, { max }) => sum + max, 0);
        const outcome = { maxAgents, parallelJobs: parallelJobs ?? null };
        if (parallelJobs === undefined) {
          return ui.result(outcome, "Azure DevOps does not show this token how many parallel jobs there are.");
        }
        if (maxAgents > parallelJobs) {
          ui.note(`warning: agents above ${parallelJobs} get no job. Lower max, or buy more parallel jobs.`);
        }
        ui.result(outcome, `Parallel jobs: ${parallelJobs}. Agents at most: ${maxAgents}.`);
      }),
    );
}

async function hooksOf(stack: string, context: Context): Promise<ServiceHooks> {
  const { vendor } = azureDevOpsFleet(stack, context);
  const pat = await credential(context, "ADO_PAT", "a personal access token that may manage service hooks");
  return createServiceHooks(organizationOf(vendor), depsOf(context, vendor, pat));
}

function depsOf(context: Context, vendor: AzureDevOpsConfig, pat: string): VendorDeps {
  return { clock: context.clock, readToken: () => Promise.resolve(pat), fetch: fetchTo(context, vendor) };
}

/** The organization, with the operator's own token. */
function organizationOf(vendor: AzureDevOpsConfig): Organization {
  return { url: urlOf(vendor), auth: { type: "pat" } };
}

function azureDevOpsFleet(stack: string, context: Context): EcsFleetConfig & { readonly vendor: AzureDevOpsConfig } {
  const { config, file } = loadStack(stack, context);
  if (config.kind === "ecs-fleet" && config.vendor.type === "azure-devops") {
    return { ...config, vendor: config.vendor };
  }
  throw new UserError(`${file} is no fleet of Azure DevOps.`, "Give the name of an Azure DevOps fleet's stack.");
}
