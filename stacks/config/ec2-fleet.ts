import * as z from "zod";
import { leftTag, neverRegisteredTag, registeredTag, roleTag } from "../../handlers/lib/settings/asg-capacity.ts";
import type { VendorId } from "../../handlers/lib/settings/vendors.ts";
import { instanceAgents } from "./agents.ts";
import { commonFields, commonRules, tagLimit } from "./common.ts";
import { type Ec2ComputeConfig, ec2Compute } from "./compute/ec2-compute.ts";
import { explainBlindTypes, isMetadataTag } from "./compute/own-tags.ts";
import { fleetFields, fleetRules } from "./fleet.ts";
import { type NetworkConfig, network, networkRules, ownNetwork } from "./network/network.ts";
import { type Rule, withRules } from "./rules.ts";
import { secretRules, secretsOf } from "./secrets.ts";
import { vendorOf, vendorRules, vendorSchema, vendorsOf } from "./vendors/index.ts";

const { region, ...restOfCommon } = commonFields;
const vendors = vendorsOf("ec2-fleet");

/** Rules between `compute` and the rest of the fleet. */
const instanceRules: readonly Rule<{
  readonly agents: { readonly min: number; readonly max: number; readonly initial?: number | undefined };
  readonly compute: Ec2ComputeConfig;
  readonly network: NetworkConfig;
  readonly vendor: { readonly type: VendorId };
  readonly tags: Readonly<Record<string, string>>;
}>[] = [
  {
    path: ["agents", "initial"],
    reads: [
      ["agents", "initial"],
      ["agents", "min"],
    ],
    check: ({ agents: { initial, min } }) =>
      initial !== undefined && initial < min ? `must not be less than agents.min, which is ${min}` : undefined,
  },
  {
    path: ["compute", "onDemandBase"],
    reads: [
      ["compute", "onDemandBase"],
      ["agents", "max"],
    ],
    check: ({ compute: { onDemandBase }, agents: { max } }) =>
      onDemandBase > max ? `must not be more than agents.max, which is ${max}` : undefined,
  },
  {
    path: ["compute", "spotFallback"],
    reads: [
      ["compute", "spotFallback"],
      ["compute", "onDemandBase"],
      ["agents", "max"],
    ],
    check: ({ compute: { spotFallback, onDemandBase }, agents: { max } }) =>
      spotFallback !== undefined && max > 0 && onDemandBase === max
        ? `must be left out while compute.onDemandBase is ${max}, as agents.max is: no instance is Spot`
        : undefined,
  },
  {
    path: ["compute", "instances", "types"],
    reads: [
      ["vendor", "type"],
      ["compute", "instances"],
    ],
    check: ({ vendor, compute: { instances } }) =>
      "types" in instances && vendorOf({ vendor }).readsOwnTags ? explainBlindTypes(instances.types) : undefined,
  },
  {
    path: ["compute", "ipv6"],
    reads: [["compute", "ipv6"], ["network"]],
    check: ({ compute: { ipv6 }, network: where }) =>
      ipv6 && "create" in where && !where.create.ipv6
        ? "must be false without network.create.ipv6: the subnets have no IPv6 addresses"
        : undefined,
  },
  {
    path: ["tags"],
    reads: [["tags"], ["vendor", "type"]],
    check: ({ tags, vendor }) => {
      const name = Object.keys(tags).find((each) => !isMetadataTag(each));
      return name === undefined || !vendorOf({ vendor }).readsOwnTags
        ? undefined
        : `must use letters, digits and + = . _ : @ - in tag names, not ${JSON.stringify(name)} (EC2 cannot launch ` +
            "instances with others, because they read their tags)";
    },
  },
  // An instance gets them one after another, from the group and from the loop.
  tagLimit(["Name", roleTag, registeredTag, neverRegisteredTag, leftTag]),
];

/** Agents of one vendor on the instances of an Auto Scaling group, one agent per instance. */
export const ec2Fleet = withRules(
  z.strictObject({
    kind: z.literal("ec2-fleet").describe("Agents on EC2 instances."),
    region,
    vendor: vendorSchema(vendors).describe("The CI/IaC system whose agents run."),
    ...fleetFields,
    network: network
      .prefault(ownNetwork)
      .describe("Where agents run: in a network of their own, or in an existing one."),
    agents: instanceAgents.prefault({}).describe("The size of the fleet and the lifetime of its agents."),
    secrets: secretsOf(vendors),
    compute: ec2Compute.prefault({}).describe("The machine of one agent."),
    ...restOfCommon,
  }),
  [...commonRules, ...networkRules, ...fleetRules, ...secretRules(vendors), ...instanceRules, ...vendorRules(vendors)],
);

/** See {@link ec2Fleet}. */
export type Ec2FleetConfig = z.output<typeof ec2Fleet>;
