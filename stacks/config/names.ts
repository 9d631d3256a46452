import * as z from "zod";
import { text } from "./primitives.ts";

/** Name of a stack: its file's name, and the prefix of the names of its resources. */
export const stackName = text(
  /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/,
  "3 to 40 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
);

/** Tag with the stack's name on everything that it makes. Policies tell a fleet's tasks by it. */
export const fleetTag = "Fleet";

/** The keys of a reference to another stack. @param description of the other stack, without its place */
export function stackReference(description: string) {
  return {
    stack: stackName.describe(description),
    elsewhere: z
      .boolean()
      .default(false)
      .describe(
        "Whether the other stack's config is in another folder or repository. `false`: it must be in this file's folder.",
      ),
  };
}

/** Name of a stack's secret in Secrets Manager. @param name the secret's own name, such as `agent-token` */
export function secretName(stack: string, name: string): string {
  return `agent-fleets/${stack}/${name}`;
}

/** Name of the table with the settings of a fleet's pools. */
export function settingsTable(stack: string): string {
  return `${stack}-settings`;
}

/** Name of the table with the state of a fleet's loop. */
export function stateTable(stack: string): string {
  return `${stack}-state`;
}

/** Name of the capacity provider of a cluster's hosts. The prefix is needed: ECS refuses aws, ecs and fargate there. */
export function hostsOf(clusterStack: string): string {
  return `hosts-${clusterStack}`;
}
