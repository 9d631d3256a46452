import type { Command } from "commander";
import { createServiceHooks, type ServiceHooks } from "../../handlers/vendors/azure-devops/hooks.ts";
import { loadStack } from "../../stacks/config/load.ts";
import { isProtected } from "../../stacks/config/primitives.ts";
import { type AzureDevOpsConfig, urlOf } from "../../stacks/config/vendors/azure-devops.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { required } from "../lib/hcp-terraform.ts";

interface HookOptions {
  readonly project: readonly string[];
}

/** `fleet ado`. */
export function addAdoCommands(program: Command, context: Context): void {
  const hook = program
    .command("ado")
    .description("Azure DevOps (needs ADO_PAT)")
    .command("hook")
    .description("service hooks that wake a fleet as soon as a job queues");
  hook
    .command("add")
    .summary("let projects wake a fleet")
    .description(
      "Makes a service hook in each project that posts to the fleet's webhook whenever a job changes its state. It shows " +
        "HOOK_SECRET, which must equal the stack's hook-secret. One that posts there already is updated in place.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<url>", "the webhook's URL (output webhook_url)")
    .requiredOption("--project <name...>", "names of the projects")
    .addHelpText(
      "after",
      "\nExample:\n  ADO_PAT=… HOOK_SECRET=… fleet ado hook add ci-agents https://webhook.example/service-hook --project web",
    )
    .action(async (stack: string, url: string, { project: projects }: HookOptions, command: Command) => {
      const ui = uiOf(context, command);
      const secret = required(context, "HOOK_SECRET", "the value of the stack's hook-secret secret");
      const hooks = hooksOf(stack, context);
      const target = webhookUrl(url);
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
    });
  hook
    .command("remove")
    .summary("let projects wake a fleet no more")
    .description("Removes the service hooks of projects that post to the URL.")
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<url>", "the webhook's URL (output webhook_url)")
    .requiredOption("--project <name...>", "names of the projects")
    .action(async (stack: string, url: string, { project: projects }: HookOptions, command: Command) => {
      const ui = uiOf(context, command);
      const hooks = hooksOf(stack, context);
      const target = webhookUrl(url);
      const removed = await ui.during("Removing service hooks", async () => {
        let count = 0;
        for (const project of projects) count += await hooks.remove(project, target);
        return count;
      });
      ui.result({ url: target, removed }, `Removed ${removed} service hook${removed === 1 ? "" : "s"}.`);
    });
}

function hooksOf(stack: string, context: Context): ServiceHooks {
  const vendor = azureDevOpsOf(stack, context);
  const pat = required(context, "ADO_PAT", "a personal access token that may manage service hooks");
  return createServiceHooks(urlOf(vendor), { clock: context.clock, pat });
}

function azureDevOpsOf(stack: string, context: Context): AzureDevOpsConfig {
  const { config, file } = loadStack(stack, context);
  if (config.kind === "ecs-fleet" && config.vendor.type === "azure-devops") return config.vendor;
  throw new UserError(`${file} is no fleet of Azure DevOps.`, "Name the stack of one.");
}

function webhookUrl(text: string): string {
  if (URL.canParse(text) && isProtected(new URL(text))) return text;
  throw new UserError(`"${text}" is no https URL.`, "Give the stack's output webhook_url.");
}
