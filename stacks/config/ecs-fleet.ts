import * as z from "zod";
import { commonFields, commonRules } from "./common.ts";
import { compute, hostRules } from "./compute/compute.ts";
import { consumerRoles } from "./consumer-roles.ts";
import { fleetFields, fleetRules } from "./fleet.ts";
import { type NetworkConfig, network, networkRules, ownNetwork } from "./network/network.ts";
import { poolRules, pools } from "./pools.ts";
import { withRules } from "./rules.ts";
import { secretRules, secretsOf } from "./secrets.ts";
import { vendorRules, vendorSchema, vendorsOf } from "./vendors/index.ts";

const { region, ...restOfCommon } = commonFields;
const vendors = vendorsOf("ecs-fleet");

/** Agents of one vendor as ECS tasks, one task an agent. */
export const ecsFleet = withRules(
  z.strictObject({
    kind: z.literal("ecs-fleet").describe("Agents as ECS tasks."),
    region,
    vendor: vendorSchema(vendors).describe("The CI/IaC system whose agents run."),
    ...fleetFields,
    network: network
      .optional()
      .describe(
        "Where agents run: a network made for them, or a given one. Left out: that of the hosts with " +
          "`compute.capacityProvider.stack`, else one of their own, as `{ create: {} }`.",
      ),
    secrets: secretsOf(vendors),
    pools: pools
      .optional()
      .describe(
        "With azure-devops: several agent pools, each with its own limits. Left out: the one of vendor.poolName.",
      ),
    compute: compute.prefault({}).describe("What one agent runs on."),
    consumerRoles: consumerRoles.default([]).describe("Roles that jobs on these agents, and nobody else, may assume."),
    ...restOfCommon,
  }),
  [
    ...commonRules,
    ...networkRules,
    ...fleetRules,
    ...secretRules(vendors),
    ...hostRules,
    ...poolRules(vendors),
    ...vendorRules(vendors),
  ],
);

/** See {@link ecsFleet}. */
export type EcsFleetConfig = z.output<typeof ecsFleet>;

/** Where a fleet's agents run: where it says, else on the network that its hosts' cluster publishes, else on its own. */
export function networkOf({ compute, network }: Pick<EcsFleetConfig, "compute" | "network">): NetworkConfig {
  const hosts = compute.capacityProvider;
  return network ?? (hosts && "stack" in hosts ? { stack: hosts.stack } : ownNetwork);
}
