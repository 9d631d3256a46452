import * as z from "zod";
import { bucketArn, oneOf, text, uniqueList, wholeNumber } from "../primitives.ts";
import { isCidr } from "./cidr.ts";

/** AWS services with interface endpoints, which cost money per hour and zone. */
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

/** AWS services with gateway endpoints, which are free. */
export const gatewayServices = ["s3", "dynamodb"] as const;

/** Services that our tasks and hosts call. Jobs and other software may need more. */
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

/** An AWS service that a VPC can reach without the internet. */
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
  traffic: oneOf(["all", "accept", "reject"]).default("all").describe("Which traffic to log."),
  intervalSeconds: oneOf([60, 600]).default(600).describe("Length of the interval that one record covers."),
};

const flowLogs = z.discriminatedUnion("to", [
  z.strictObject({
    to: z.literal("cloudwatch").describe("A CloudWatch log group, kept for `logs.retentionDays`."),
    ...flowLogFields,
  }),
  z.strictObject({
    to: z.literal("s3").describe("An S3 bucket, which is cheaper for long retention."),
    bucketArn: bucketArn
      .optional()
      .describe(
        "An existing bucket that lets `delivery.logs.amazonaws.com` write. " +
          "Left out: the stack creates one. Its objects expire after `logs.retentionDays`.",
      ),
    ...flowLogFields,
  }),
]);

/** The keys of a VPC, for one stack or for many. */
export const vpcFields = {
  cidr: cidr
    .default("10.40.0.0/16")
    .describe("IPv4 range of the VPC, /16 to /28. A range smaller than /24 needs the subnets' ranges, too."),
  availabilityZones: zones
    .default(2)
    .describe(
      "Number of availability zones (the region's first ones by name), or their names. Names stay the same when " +
        "AWS adds a zone.",
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
      "The way to the internet: a public IP per agent (no NAT costs), one NAT gateway, one in every zone, or only the " +
        "AWS services under `endpoints`. Nothing can connect from the internet in any case.",
    ),
  ipv6: z
    .boolean()
    .default(false)
    .describe("Whether subnets also have IPv6 addresses from Amazon. Private subnets use an egress-only gateway."),
  endpoints: uniqueList(oneOf([...interfaceServices, ...gatewayServices]))
    .optional()
    .describe(
      "AWS services with an endpoint in the VPC. All but s3 and dynamodb cost money per hour and zone. Left out: s3 and " +
        `dynamodb and, with egress \`endpoints-only\`, those that tasks and hosts need: ${neededServices.join(", ")}.`,
    ),
  flowLogs: flowLogs.optional().describe("Logs the VPC's traffic. Left out: no flow logs."),
};

/** See {@link vpcFields}. */
export type VpcConfig = z.output<z.ZodObject<typeof vpcFields>>;

/** How many zones a VPC spreads over. */
export function zoneCount({ availabilityZones: zones }: Pick<VpcConfig, "availabilityZones">): number {
  return typeof zones === "number" ? zones : zones.length;
}

/** The endpoints of a VPC, with the defaults of its egress. */
export function endpointsOf({ endpoints, egress }: Pick<VpcConfig, "endpoints" | "egress">): readonly Endpoint[] {
  return endpoints ?? (egress === "endpoints-only" ? neededServices : gatewayServices);
}
