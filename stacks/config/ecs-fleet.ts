import * as z from "zod";
import { agents, scaling } from "./agents.ts";
import { alarms } from "./alarms.ts";
import { commonFields, commonRules } from "./common.ts";
import { compute, hostRules } from "./compute.ts";
import { consumerRoles } from "./consumer-roles.ts";
import { type NetworkConfig, network, networkRules, ownNetwork } from "./network.ts";
import { withRules } from "./rules.ts";
import { secrets } from "./secrets.ts";
import { hcpTerraform, hcpTerraformRules } from "./vendors/hcp-terraform.ts";

const { region, ...restOfCommon } = commonFields;

/** Agents of one vendor as ECS tasks, one task an agent. */
export const ecsFleet = withRules(
  z.strictObject({
    kind: z.literal("ecs-fleet").describe("Agents as ECS tasks."),
    region,
    vendor: z.discriminatedUnion("type", [hcpTerraform]).describe("The CI/IaC system whose agents run."),
    agents: agents.prefault({}).describe("How many agents there are and how long each lives."),
    scaling: scaling.prefault({}).describe("How the loop moves towards what is wanted."),
    compute: compute.prefault({}).describe("What one agent runs on."),
    network: network
      .optional()
      .describe(
        "Where agents run: a network made for them, or a given one. Left out: that of the hosts with " +
          "`compute.capacityProvider.stack`, else one of their own, as `{ create: {} }`.",
      ),
    secrets: secrets
      .prefault({})
      .describe(
        "Where secrets come from; never the values. One that is left out is created empty and filled by `fleet secret set`.",
      ),
    alarms: alarms.prefault({}).describe("Who hears of trouble."),
    consumerRoles: consumerRoles.default([]).describe("Roles that jobs on these agents, and nobody else, may assume."),
    ...restOfCommon,
  }),
  [...commonRules, ...networkRules, ...hostRules, ...hcpTerraformRules],
);

/** See {@link ecsFleet}. */
export type EcsFleetConfig = z.output<typeof ecsFleet>;

/** Where a fleet's agents run: where it says, else on the network that its hosts' cluster publishes, else on its own. */
export function networkOf({ compute, network }: Pick<EcsFleetConfig, "compute" | "network">): NetworkConfig {
  const hosts = compute.capacityProvider;
  return network ?? (hosts && "stack" in hosts ? { stack: hosts.stack } : ownNetwork);
}
