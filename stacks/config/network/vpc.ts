import * as z from "zod";
import { bucketArn, oneOf, text, uniqueList, wholeNumber } from "../primitives.ts";
import { isCidr } from "./cidr.ts";

/** AWS's services behind interface endpoints, which cost by the hour and zone. */
const interfaceServices = [
  "ecr.api",
  "ecr.dkr",
  "logs",
  "ssm",
  "ssmmessages",
  "ec2messages",
  "ec2",
  "autoscaling",
  "states",
  "secretsmanager",
  "kms",
  "sts",
  "sqs",
  "ecs",
  "ecs-agent",
  "ecs-telemetry",
  "lambda",
] as const;

/** AWS's services behind gateway endpoints, which cost nothing. */
export const gatewayServices = ["s3", "dynamodb"] as const;

/** What tasks and hosts of ours call by themselves; jobs and other software may need more. */
const neededServices = [
  "ecr.api",
  "ecr.dkr",
  "logs",
  "ssm",
  "ssmmessages",
  "secretsmanager",
  "sts",
  "ecs",
  "ecs-agent",
  "ecs-telemetry",
  ...gatewayServices,
] as const satisfies readonly Endpoint[];

/** A service of AWS that a VPC can reach without the internet. */
export type Endpoint = (typeof interfaceServices)[number] | (typeof gatewayServices)[number];

const cidr = z.string({ error: "must be an IPv4 range" }).refine((value) => isCidr(value, 16, 28), {
  error: "must be an IPv4 range from /16 to /28 that starts at its first address, such as 10.40.0.0/16",
});

const maxZones = 6;

const zones = z.union(
  [
    wholeNumber(1, maxZones),
    uniqueList(text(/^[a-z]{2,4}(?:-[a-z0-9]+)+[a-z]$/, "the name of an availability zone, such as us-west-2a"), 1).max(
      maxZones,
    ),
  ],
  {
    error: `must be a whole number from 1 to ${maxZones} or a list of so many zones, such as [us-west-2a, us-west-2b]`,
  },
);

const flowLogFields = {
  traffic: oneOf(["all", "accept", "reject"]).default("all").describe("Which traffic is logged."),
  intervalSeconds: oneOf([60, 600]).default(600).describe("How long flows are gathered for one record."),
};

const flowLogs = z.discriminatedUnion("to", [
  z.strictObject({
    to: z.literal("cloudwatch").describe("To a CloudWatch log group, kept for `logs.retentionDays`."),
    ...flowLogFields,
  }),
  z.strictObject({
    to: z.literal("s3").describe("To an S3 bucket: cheaper, for the long run."),
    bucketArn: bucketArn
      .optional()
      .describe(
        "An existing bucket that lets `delivery.logs.amazonaws.com` write. " +
          "Left out: one of our own, whose objects expire after `logs.retentionDays`.",
      ),
    ...flowLogFields,
  }),
]);

/** What one says about a VPC, whether it is made for one stack or for many. */
export const vpcFields = {
  cidr: cidr
    .default("10.40.0.0/16")
    .describe("IPv4 range of the VPC, /16 to /28; from /25 on, the subnets must be given."),
  availabilityZones: zones
    .default(2)
    .describe(
      "How many availability zones to spread over (the region's first ones by name), or their names, which stay the " +
        "same when AWS adds a zone.",
    ),
  publicSubnetCidrs: uniqueList(cidr, 1)
    .optional()
    .describe("Ranges of the public subnets, one per zone. Left out: sixteenths of `cidr`."),
  privateSubnetCidrs: uniqueList(cidr, 1)
    .optional()
    .describe("Ranges of the private subnets, one per zone. Left out: sixteenths of `cidr`."),
  egress: oneOf(["public-ip", "single-nat", "nat-per-az", "endpoints-only"])
    .default("single-nat")
    .describe(
      "The way out: a public IP per agent (no NAT to pay), one NAT gateway, one in every zone, or none but to the " +
        "services of AWS under `endpoints`. There is no way in with any of them.",
    ),
  ipv6: z
    .boolean()
    .default(false)
    .describe("Whether subnets also have IPv6, from Amazon's addresses; private ones through an egress-only gateway."),
  endpoints: uniqueList(oneOf([...interfaceServices, ...gatewayServices]))
    .optional()
    .describe(
      "Services of AWS to reach inside the VPC. All but s3 and dynamodb cost by the hour and zone. Left out: s3 and " +
        `dynamodb and, with egress \`endpoints-only\`, what tasks and hosts need: ${neededServices.join(", ")}.`,
    ),
  flowLogs: flowLogs.optional().describe("Where the VPC's traffic is logged. Left out: nowhere."),
};

/** See {@link vpcFields}. */
export type VpcConfig = z.output<z.ZodObject<typeof vpcFields>>;

/** How many zones a VPC spreads over. */
export function zoneCount({ availabilityZones: zones }: Pick<VpcConfig, "availabilityZones">): number {
  return typeof zones === "number" ? zones : zones.length;
}

/** The endpoints that a VPC has, with the defaults of its egress. */
export function endpointsOf({ endpoints, egress }: Pick<VpcConfig, "endpoints" | "egress">): readonly Endpoint[] {
  return endpoints ?? (egress === "endpoints-only" ? neededServices : gatewayServices);
}
