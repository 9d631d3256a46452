import type { Command } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import { type Context, credential, uiOf } from "../lib/context.ts";
import { asking, UserError } from "../lib/errors.ts";
import { fetchTo } from "../lib/outbound.ts";
import { type SynthOptions, takesSynthOptions } from "../lib/own-folder.ts";
import { readStackWebhook } from "../lib/stack-webhook.ts";
import { saveRunWebhook } from "../spacelift/run-webhook.ts";

interface AddOptions extends SynthOptions {
  readonly apiKey: string;
  readonly space: string;
}

/** `fleet spacelift`. */
export function addSpaceliftCommands(program: Command, context: Context): void {
  const spacelift = program
    .command("spacelift")
    .description("Spacelift. Asks for SPACELIFT_API_KEY_SECRET, or reads this variable.");
  const add = spacelift
    .command("webhook")
    .description("webhooks that wake a fleet as soon as a run asks for a worker")
    .command("add")
    .summary("let Spacelift wake a fleet")
    .description(
      "Makes a webhook in Spacelift that is signed with the stack's webhook-secret, and a notification policy that sends " +
        "it the runs that ask for a worker. Both are called agent-fleets-<stack>; existing ones of this name are updated. " +
        "URL and secret come from the stack: its output webhook_url, and its secret, which needs " +
        "secretsmanager:GetSecretValue or ssm:GetParameter. The secret is never shown.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .requiredOption("--api-key <id>", "id of an API key that may manage webhooks and policies in the space")
    .option(
      "--space <id>",
      "the space of both; its runs, and those of spaces that inherit from it, wake the fleet",
      "root",
    );
  takesSynthOptions(add)
    .addHelpText("after", "\nExample:\n  fleet spacelift webhook add ci-workers --api-key 01HCC6R1B6W5TZ1Y2X3V4N5M6P")
    .action(
      asking("spacelift", (stack: string, options: AddOptions, command: Command) =>
        addWebhook(context, stack, options, command),
      ),
    );
}

async function addWebhook(context: Context, name: string, options: AddOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const { space, apiKey: apiKeyId } = options;
  const loaded = loadStack(name, context);
  const { config, file } = loaded;
  if (config.kind !== "ec2-fleet" || config.vendor.type !== "spacelift") {
    throw new UserError(`${file} is no fleet of Spacelift.`, "Give the name of such a fleet's stack.");
  }
  const { vendor } = config;
  const secret = await credential(context, "SPACELIFT_API_KEY_SECRET", `the secret of API key ${apiKeyId}`);
  const { url, readKey } = await readStackWebhook(context, loaded, "webhook-secret", options);
  const key = await readKey();
  const { webhook, policy } = await ui.during("Asking Spacelift", () =>
    saveRunWebhook(
      { name: `agent-fleets-${name}`, url, key, space },
      { endpoint: vendor.endpoint, apiKeyId },
      { clock: context.clock, readToken: () => Promise.resolve(secret), fetch: fetchTo(context, vendor) },
    ),
  );
  const made =
    webhook.result === policy.result
      ? `The webhook ${webhook.id} and its notification policy are ${webhook.result}.`
      : `The webhook ${webhook.id} is ${webhook.result}, its notification policy is ${policy.result}.`;
  ui.result(
    { url, space, webhook, policy },
    `${made}\nRuns in the space ${space}, and in spaces that inherit its policies, now wake ${name}.`,
  );
}
