import type { LoadedStack } from "../../../stacks/config/load.ts";
import { settingsTable } from "../../../stacks/config/names.ts";
import { UserError } from "./errors.ts";

/** The table of a fleet's settings. */
export interface FleetTable {
  readonly name: string;
  readonly region: string;
  readonly stack: string;
}

/** The table of a stack's settings. Throws {@link UserError} if the stack is no fleet. */
export function tableOf({ name, file, config }: LoadedStack): FleetTable {
  if (config.kind === "ecs-fleet" || config.kind === "ec2-fleet") {
    return { name: settingsTable(name), region: config.region, stack: name };
  }
  throw new UserError(
    `${file} is of kind ${config.kind}, which has no agents.`,
    "Give the name of a fleet's stack. Nothing was changed.",
  );
}

/** The error about a fleet whose table is not there, or empty. */
export function notDeployed({ name, region, stack }: FleetTable): UserError {
  return new UserError(
    `This AWS identity sees no settings of ${stack} in the table ${name} in ${region}.`,
    `Deploy the stack with this version first (fleet deploy ${stack}). Check AWS_PROFILE.`,
  );
}
