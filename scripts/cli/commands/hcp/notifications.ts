import { type Command, Option } from "commander";
import { runTriggers } from "../../../../handlers/lib/settings/vendors/hcp-terraform.ts";
import type { HcpTerraformAdmin, NotificationSettings, Workspace } from "../../hcp/admin.ts";
import { type Context, credential, uiOf } from "../../lib/context.ts";
import { asking, explain, UserError } from "../../lib/errors.ts";
import { addressOf, adminAt, findWorkspaces } from "../../lib/hcp-terraform.ts";
import { table } from "../../lib/ui.ts";
import { webhookUrl } from "../../lib/webhook-url.ts";

/** A fleet without an API token needs `all`. `minimal` is enough to wake a fleet with an API token. */
const triggerSets = { all: runTriggers.notifications, minimal: runTriggers.api };

interface AddOptions {
  readonly triggers: keyof typeof triggerSets;
  readonly name: string;
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
    .description("notifications that wake a fleet as soon as a run starts (need HMAC_SALT, too)");
  notifications
    .command("add")
    .summary("let workspaces notify a fleet of their runs")
    .description(
      "Makes a notification configuration in each workspace, signed with HMAC_SALT, which must equal the stack's " +
        "notification-token. An existing configuration with this URL is updated.",
    )
    .argument("<org>", "the organization")
    .argument("<workspaces-and-url...>", "names of the workspaces, then the webhook's URL (output webhook_url)")
    .addOption(
      new Option("--triggers <set>", "minimal is enough where the fleet reads demand from the API")
        .choices(Object.keys(triggerSets))
        .default("all"),
    )
    .option("--name <name>", "name of the configurations", "agent-fleets")
    .addHelpText("after", "\nExample:\n  fleet hcp notifications add acme prod dev https://webhook.example")
    .action(
      asking("hcp-terraform", (org: string, rest: string[], options: AddOptions, command: Command) =>
        addNotifications(context, org, rest, options, command),
      ),
    );
}

async function addNotifications(
  context: Context,
  org: string,
  rest: readonly string[],
  { triggers, name }: AddOptions,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const names = rest.slice(0, -1);
  const url = webhookUrl(rest.at(-1) ?? "");
  if (names.length === 0) {
    throw new UserError("No workspace is named.", "Use: fleet hcp notifications add ORG WORKSPACE… URL.");
  }
  const token = await credential(context, "HMAC_SALT", "the value of the stack's notification-token secret");
  const admin = await adminAt(context, addressOf(context, command));
  const settings = { name, url, token, triggers: triggerSets[triggers] };

  const outcomes = await ui.during("Adding notifications", async (step) => {
    const done: Outcome[] = [];
    for (const workspace of await findWorkspaces(admin, org, names)) {
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
