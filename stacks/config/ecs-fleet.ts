import * as z from "zod";
import { commonFields, commonRules } from "./common.ts";
import { compute, hostRules } from "./compute.ts";
import { consumerRoles } from "./consumer-roles.ts";
import { fleetFields } from "./fleet.ts";
import { networkRules } from "./network.ts";
import { poolRules, pools } from "./pools.ts";
import { forVendor, withRules } from "./rules.ts";
import { secretRules, secretsOf } from "./secrets.ts";
import { azureDevOps, azureDevOpsRules } from "./vendors/azure-devops.ts";
import { hcpTerraform, hcpTerraformRules } from "./vendors/hcp-terraform.ts";

const { region, ...restOfCommon } = commonFields;

/** Agents of one vendor as ECS tasks, one task an agent. */
export const ecsFleet = withRules(
  z.strictObject({
    kind: z.literal("ecs-fleet").describe("Agents as ECS tasks."),
    region,
    vendor: z.discriminatedUnion("type", [hcpTerraform, azureDevOps]).describe("The CI/IaC system whose agents run."),
    ...fleetFields,
    secrets: secretsOf("hcp-terraform", "azure-devops"),
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
    ...secretRules,
    ...hostRules,
    ...poolRules,
    ...forVendor("hcp-terraform", hcpTerraformRules),
    ...forVendor("azure-devops", azureDevOpsRules),
  ],
);

/** See {@link ecsFleet}. */
export type EcsFleetConfig = z.output<typeof ecsFleet>;
