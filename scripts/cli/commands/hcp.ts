import type { Command } from "commander";
import type { Context } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { addAssignmentCommands } from "./hcp/assignments.ts";
import { addNotificationsCommands } from "./hcp/notifications.ts";
import { addRunCommand } from "./hcp/run.ts";
import { addTokenCommands } from "./hcp/token.ts";
import { addWorkspacesCommands } from "./hcp/workspaces.ts";

/** `fleet hcp`. */
export function addHcpCommands(program: Command, context: Context): void {
  const hcp = program
    .command("hcp")
    .description("HCP Terraform. Asks for TOKEN, or reads this variable.")
    .option("--host <host>", "HCP Terraform or Terraform Enterprise (default: TFE_ADDRESS, else app.terraform.io)");
  addTokenCommands(hcp, context);
  addNotificationsCommands(hcp, context);
  addAssignmentCommands(addWorkspacesCommands(hcp, context), context);
  addRunCommand(hcp, context);
}

/** Commands that were at the top level, with `--host` before them, and are now below `fleet hcp`. */
const formerlyOnTop = ["token", "notifications", "workspaces", "run"];

/** Throws if a call uses the old spelling of a command that is now below `fleet hcp`. */
export function refuseOldSpelling(args: readonly string[]): void {
  const command = args.find((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--host");
  if (command === undefined || !formerlyOnTop.includes(command)) return;
  const host = args.some((arg) => arg.startsWith("--host")) ? " --host …" : "";
  throw new UserError(`fleet ${command} is called fleet hcp ${command} now.`, `Use: fleet hcp ${command} …${host}`);
}
