import { type Command, Option } from "commander";
import { runTriggers } from "../../../../handlers/lib/settings/vendors/hcp-terraform.ts";
import { loadStack } from "../../../../stacks/config/load.ts";
import type { HcpTerraformAdmin, NotificationSettings, Workspace } from "../../hcp/admin.ts";
import { type Context, credential, uiOf } from "../../lib/context.ts";
import { asking, explain, UserError } from "../../lib/errors.ts";
import { addressOf, adminAt, findWorkspaces } from "../../lib/hcp-terraform.ts";
import { type SynthOptions, takesSynthOptions } from "../../lib/own-folder.ts";
import { readStackWebhook } from "../../lib/stack-webhook.ts";
import { table } from "../../lib/ui.ts";
import { webhookUrl } from "../../lib/webhook-url.ts";

/** A fleet without an API token needs `all`. `minimal` is enough to wake a fleet with an API token. */
const triggerSets = { all: runTriggers.notifications, minimal: runTriggers.api };

interface AddOptions extends SynthOptions {
  readonly stack?: string;
  readonly triggers?: keyof typeof triggerSets;
  readonly name: string;
}

/** Which workspaces are to notify which webhook. */
interface Target {
  readonly organization: string;
  readonly workspaces: readonly string[];
  readonly url: string;
  readonly address: string | undefined;
  readonly triggers: keyof typeof triggerSets;
  /** The HMAC key. It is asked for last. */
  readKey(): Promise<string>;
}

interface Outcome {
  readonly workspace: string;
  readonly result: "created" | "updated" | "failed";
  readonly reason?: string;
}

/** `fleet hcp notifications add`. */
export function addNotificationsCommands(hcp: Command, context: Context): void {
  const notifications = hcp
    .command("notifications")
    .description("notifications that wake a fleet as soon as a run starts");
  const add = notifications
    .command("add")
    .summary("let workspaces notify a fleet of their runs")
    .description(
      "Makes a notification configuration in each workspace, signed with the stack's notification-token. An existing " +
        "configuration with this URL is updated. With --stack, organization, URL and key come from the stack: its config, " +
        "its output webhook_url, and its secret, which needs secretsmanager:GetSecretValue or ssm:GetParameter. Without, " +
        "the key is HMAC_SALT. The key is never shown.",
    )
    .argument(
      "<words...>",
      "the workspaces; without --stack, the organization before them and the webhook's URL after them",
    )
    .option("--stack <stack>", "the fleet that they are to notify")
    .addOption(
      new Option(
        "--triggers <set>",
        "minimal is enough where the fleet reads demand from the API (default: what the stack needs; without --stack, all)",
      ).choices(Object.keys(triggerSets)),
    )
    .option("--name <name>", "name of the configurations", "agent-fleets");
  takesSynthOptions(add, "with --stack")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet hcp notifications add --stack ci-agents prod dev\n" +
        "  fleet hcp notifications add acme prod dev https://webhook.example",
    )
    .action(
      asking("hcp-terraform", (words: string[], options: AddOptions, command: Command) =>
        addNotifications(context, words, options, command),
      ),
    );
}

async function addNotifications(
  context: Context,
  words: readonly string[],
  options: AddOptions,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const { stack } = options;
  const target =
    stack === undefined ? typedTarget(context, words, options) : await stackTarget(context, stack, words, options);
  const { url, organization, workspaces } = target;
  const token = await target.readKey();
  const admin = await adminAt(context, addressOf(context, command, target.address));
  const settings = { name: options.name, url, token, triggers: triggerSets[target.triggers] };

  const outcomes = await ui.during("Adding notifications", async (step) => {
    const done: Outcome[] = [];
    for (const workspace of await findWorkspaces(admin, organization, workspaces)) {
      step(`Workspace ${workspace.name}`);
      done.push(await save(admin, workspace, settings));
    }
    return done;
  });
  ui.result(
    { url, triggers: settings.triggers, workspaces: outcomes },
    table(
      ["workspace", "notification", ""],
      outcomes.map(({ workspace, result, reason }) => [workspace, result, reason ?? ""]),
    ),
  );
  const failed = outcomes.filter(({ result }) => result === "failed");
  if (failed.length > 0) {
    throw new UserError(
      `${failed.length} of ${outcomes.length} workspaces could not be set up.`,
      "HCP Terraform calls the webhook before it saves: deploy the fleet and set its notification-token first.",
    );
  }
}

function typedTarget(context: Context, words: readonly string[], { triggers = "all" }: AddOptions): Target {
  const [organization = "", ...rest] = words;
  const workspaces = rest.slice(0, -1);
  const url = webhookUrl(rest.at(-1) ?? "");
  if (workspaces.length === 0) {
    throw new UserError(
      "No workspace is named.",
      "Use: fleet hcp notifications add ORG WORKSPACE… URL, or fleet hcp notifications add --stack STACK WORKSPACE….",
    );
  }
  const readKey = () => credential(context, "HMAC_SALT", "the value of the stack's notification-token secret");
  return { organization, workspaces, url, address: undefined, triggers, readKey };
}

/** Takes everything but the workspaces from a deployed stack. */
async function stackTarget(
  context: Context,
  name: string,
  workspaces: readonly string[],
  options: AddOptions,
): Promise<Target> {
  const loaded = loadStack(name, context);
  const { file, config } = loaded;
  if (!("vendor" in config) || config.vendor?.type !== "hcp-terraform") {
    throw new UserError(`${file} is no fleet for HCP Terraform.`, "Give the name of such a fleet's stack.");
  }
  if (workspaces.some((word) => word.includes("://"))) {
    throw new UserError("With --stack the URL is the stack's.", "Give the names of the workspaces alone.");
  }
  const { organization, address, demand } = config.vendor;
  const { url, readKey } = await readStackWebhook(context, loaded, "notification-token", options);
  const triggers = options.triggers ?? (demand === "api" ? "minimal" : "all");
  return { organization, workspaces, url, address, triggers, readKey };
}

/** Handles one workspace. An error in one must not hide the results of the others. */
async function save(admin: HcpTerraformAdmin, workspace: Workspace, settings: NotificationSettings): Promise<Outcome> {
  try {
    const existing = await admin.listNotifications(workspace.id);
    const same = existing.filter((configuration) => configuration.url === settings.url);
    for (const { id } of same) await admin.updateNotification(id, settings);
    if (same.length === 0) await admin.createNotification(workspace.id, settings);
    return { workspace: workspace.name, result: same.length > 0 ? "updated" : "created" };
  } catch (error) {
    return { workspace: workspace.name, result: "failed", reason: explain(error).error };
  }
}
