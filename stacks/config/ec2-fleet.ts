import * as z from "zod";
import { instanceAgents } from "./agents.ts";
import { commonFields, commonRules } from "./common.ts";
import { ec2Compute } from "./ec2-compute.ts";
import { fleetFields } from "./fleet.ts";
import { network, networkRules, ownNetwork } from "./network.ts";
import { forVendor, withRules } from "./rules.ts";
import { secretRules, secretsOf } from "./secrets.ts";
import { semaphore } from "./vendors/semaphore.ts";
import { spacelift, spaceliftRules } from "./vendors/spacelift.ts";

const { region, ...restOfCommon } = commonFields;

/** Agents of one vendor on the instances of an Auto Scaling group, one instance an agent. */
export const ec2Fleet = withRules(
  z.strictObject({
    kind: z.literal("ec2-fleet").describe("Agents on EC2 instances."),
    region,
    vendor: z.discriminatedUnion("type", [spacelift, semaphore]).describe("The CI/IaC system whose agents run."),
    ...fleetFields,
    network: network.prefault(ownNetwork).describe("Where agents run: a network made for them, or a given one."),
    agents: instanceAgents.prefault({}).describe("How many agents there are and how long each lives."),
    secrets: secretsOf("spacelift", "semaphore"),
    compute: ec2Compute.prefault({}).describe("What one agent runs on."),
    ...restOfCommon,
  }),
  [...commonRules, ...networkRules, ...secretRules, ...forVendor("spacelift", spaceliftRules)],
);

/** See {@link ec2Fleet}. */
export type Ec2FleetConfig = z.output<typeof ec2Fleet>;
