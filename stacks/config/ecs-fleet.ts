import * as z from "zod";
import { commonFields, commonRules, tagLimit } from "./common.ts";
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

/** Agents of one vendor as ECS tasks, one agent per task. */
export const ecsFleet = withRules(
  z.strictObject({
    kind: z.literal("ecs-fleet").describe("Agents as ECS tasks."),
    region,
    vendor: vendorSchema(vendors).describe("The CI/IaC system whose agents run."),
    ...fleetFields,
    network: network
      .optional()
      .describe(
        "Where agents run: in a network of their own, or in an existing one. Left out: the hosts' network with " +
          "`compute.capacityProvider.stack`, else a network of their own, as with `{ create: {} }`.",
      ),
    secrets: secretsOf(vendors),
    pools: pools
      .optional()
      .describe(
        "With azure-devops: several agent pools, each with its own limits. Left out: the one pool of vendor.poolName.",
      ),
    compute: compute.prefault({}).describe("The machine of one agent."),
    consumerRoles: consumerRoles.default([]).describe("Roles that only jobs on these agents may assume."),
    ...restOfCommon,
  }),
  [
    ...commonRules,
    tagLimit(["Name"]),
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

/** The network of a fleet's agents: the given one, else the network of its hosts' cluster, else one of its own. */
export function networkOf({ compute, network }: Pick<EcsFleetConfig, "compute" | "network">): NetworkConfig {
  const hosts = compute.capacityProvider;
  return network ?? (hosts && "stack" in hosts ? hosts : ownNetwork);
}
