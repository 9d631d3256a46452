import * as z from "zod";
import { stackReference } from "../names.ts";
import { securityGroupId, subnetId, text, uniqueList } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import { vpcRules, zonesOfRegion } from "./subnets.ts";
import { vpcFields } from "./vpc.ts";

const securityGroupIds = uniqueList(securityGroupId, 1)
  .optional()
  .describe("Security groups of the agents. Left out: the stack creates one without ingress.");

const created = z.strictObject({
  create: withRules(z.strictObject(vpcFields), vpcRules).describe("Creates a VPC for this stack."),
});

/** A network that exists. */
export const given = z.strictObject({
  vpcId: text(/^vpc-[0-9a-f]{8,17}$/, "the id of a VPC, such as vpc-0123456789abcdef0").describe("An existing VPC."),
  subnetIds: uniqueList(subnetId, 1).describe("Subnets for the agents. Agents must reach the vendor from there."),
  assignPublicIp: z
    .boolean()
    .default(false)
    .describe("Whether agents get a public IP: needed in public subnets, useless in private subnets."),
  securityGroupIds,
});

const shared = z.strictObject({
  ...stackReference("A stack of `kind: network` in the same account and region."),
  securityGroupIds,
});

/** Where a stack's agents run: in a VPC of their own, in existing subnets or in a network that stacks share. */
export const network = z.union([created, given, shared], {
  error: "must be either { create: … }, { vpcId: …, subnetIds: … } or { stack: … }",
});

/** A network of the stack's own, with our defaults. */
export const ownNetwork = network.parse({ create: {} });

/** See {@link network}. */
export type NetworkConfig = z.output<typeof network>;

/** Rules between {@link network} and the rest of a stack's config. */
export const networkRules: readonly Rule<{ region: string; network?: NetworkConfig | undefined }>[] = [
  zonesOfRegion(["network", "create"], ({ network }) => (network && "create" in network ? network.create : undefined)),
];
