import type { Command } from "commander";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";

/** Options of ours that npm has, too: there a user's settings of npm may set the variable. */
const ofNpm = new Set(["json", "force", "message", "description"]);

/**
 * Stops a command whose options never came. `npm run fleet hcp run x --plan-only` runs `fleet hcp run x`: without two
 * dashes before them npm keeps options for itself, sets a variable `npm_config_…` for each, and at most warns. The
 * command would do more than the user asked for. Seen with npm 11.19.
 */
export function refuseOptionsTakenByNpm(command: Command, { env }: Context, args: readonly string[]): void {
  if (env.npm_lifecycle_event !== "fleet") return;
  const options = [command, ...ancestors(command)].flatMap((each) => each.options);
  const taken = options.filter(({ long }) => {
    const name = long?.replace(/^--(no-)?/, "") ?? "";
    if (ofNpm.has(name) || args.some((arg) => arg === long || arg.startsWith(`${long}=`))) return false;
    return env[`npm_config_${name.replaceAll("-", "_")}`] !== undefined;
  });
  if (taken.length === 0) return;
  const names = taken.map(({ long }) => long).join(" ");
  throw new UserError(
    `npm took ${names} for itself. Nothing was done.`,
    `Write two dashes before what is for fleet: npm run fleet -- ${args.join(" ")} ${names}`,
  );
}

function ancestors({ parent }: Command): readonly Command[] {
  return parent ? [parent, ...ancestors(parent)] : [];
}
