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
import { webhookUrl } from "../lib/webhook-url.ts";

interface HookOptions {
  readonly project: readonly string[];
}

/** `fleet ado`. */
export function addAdoCommands(program: Command, context: Context): void {
  const ado = program.command("ado").description("Azure DevOps. Asks for ADO_PAT, or reads this variable.");
  addParallelJobs(ado, context);
  const hook = ado.command("hook").description("service hooks that wake a fleet as soon as a job queues");
  hook
    .command("add")
    .summary("let projects wake a fleet")
    .description(
      "Makes a service hook in each project that posts to the fleet's webhook whenever a job changes its state. The hook " +
        "sends HOOK_SECRET, which must equal the stack's hook-secret. An existing hook with this URL is updated.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<url>", "the webhook's URL (output webhook_url)")
    .requiredOption("--project <name...>", "names of the projects")
    .addHelpText(
      "after",
      "\nExample:\n  fleet ado hook add ci-agents https://webhook.example/service-hook --project web",
    )
    .action(
      asking(
        "azure-devops",
        async (stack: string, url: string, { project: projects }: HookOptions, command: Command) => {
          const ui = uiOf(context, command);
          const target = webhookUrl(url);
          const hooks = await hooksOf(stack, context);
          const secret = await credential(context, "HOOK_SECRET", "the value of the stack's hook-secret secret");
          const outcomes = await ui.during("Adding service hooks", async (step) => {
            const done: { project: string; result: "created" | "updated" }[] = [];
            for (const project of projects) {
              step(`Project ${project}`);
              done.push({ project, result: await hooks.save(project, target, secret) });
            }
            return done;
          });
          ui.result(
            { url: target, projects: outcomes },
            outcomes.map(({ project, result }) => `The service hook of project ${project} is ${result}.`).join("\n"),
          );
        },
      ),
    );
  hook
    .command("remove")
    .summary("stop projects from waking a fleet")
    .description("Removes the service hooks of projects that post to the URL.")
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<url>", "the webhook's URL (output webhook_url)")
    .requiredOption("--project <name...>", "names of the projects")
    .action(
      asking(
        "azure-devops",
        async (stack: string, url: string, { project: projects }: HookOptions, command: Command) => {
          const ui = uiOf(context, command);
          const hooks = await hooksOf(stack, context);
          const target = webhookUrl(url);
          const removed = await ui.during("Removing service hooks", async () => {
            let count = 0;
            for (const project of projects) count += await hooks.remove(project, target);
            return count;
          });
          ui.result({ url: target, removed }, `Removed ${removed} service hook${removed === 1 ? "" : "s"}.`);
        },
      ),
    );
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
