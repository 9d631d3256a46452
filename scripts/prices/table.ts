import * as z from "zod";
import { text } from "../../stacks/config/primitives.ts";

const price = z.number({ error: "must be a number of US dollars" }).min(0, { error: "must not be negative" });
const cpuPrices = z.strictObject({
  vcpuHour: price.describe("One vCPU for an hour."),
  gibHour: price.describe("One GiB of memory for an hour."),
});

const shape = {
  hourly: z.strictObject({
    natGateway: price.describe("A NAT gateway for an hour, without its traffic."),
    publicAddress: price.describe("A public IPv4 address for an hour, used or not."),
    interfaceEndpoint: price.describe("An interface endpoint in one zone for an hour, without its traffic."),
    loadBalancer: price.describe("An Application Load Balancer for an hour, without its capacity units."),
  }),
  monthly: z.strictObject({
    alarm: price.describe("A CloudWatch alarm on one metric."),
    metric: price.describe("A custom metric, of the first 10,000."),
    dashboard: price.describe("A dashboard, as if the three free ones of an account were taken."),
    secret: price.describe("A secret in Secrets Manager."),
    kmsKey: price.describe("A customer managed KMS key."),
    diskGib: price.describe("One GiB of a gp3 disk."),
  }),
  usage: z.strictObject({
    lambdaGibSecond: price.describe("One GiB of a Lambda function on arm64 for a second."),
    millionInvocations: price.describe("A million calls of Lambda functions."),
    millionWrites: price.describe("A million write units of DynamoDB, on demand."),
    millionReads: price.describe("A million read units of DynamoDB, on demand."),
    millionRequests: price.describe("A million requests to an HTTP API."),
    logGib: price.describe("One GiB that goes into CloudWatch Logs."),
  }),
  fargate: z.strictObject({
    x86_64: cpuPrices,
    arm64: cpuPrices,
    storageGibHour: price.describe("One GiB of disk for an hour, beyond the 20 GiB that each task has."),
  }),
};

const instances = z.record(text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "an instance type such as m7i.large"), price);

/** Prices of one's own, in US dollars. Those that are left out stay the list prices. */
export const ownPrices = z.strictObject({
  source: z.string().min(1).optional().describe("Where the prices are from, for the report."),
  agentHour: price.optional().describe("One agent for an hour, machine and disk together, whatever it runs on."),
  hourly: shape.hourly.partial().optional(),
  monthly: shape.monthly.partial().optional(),
  usage: shape.usage.partial().optional(),
  fargate: z
    .strictObject({
      x86_64: cpuPrices.partial().optional(),
      arm64: cpuPrices.partial().optional(),
      storageGibHour: price.optional(),
    })
    .optional(),
  instances: instances.optional().describe("Instance types, for an hour."),
});

/** See {@link ownPrices}. */
export type OwnPrices = z.output<typeof ownPrices>;

/** A complete price table in US dollars. */
export interface Prices {
  /** For the report: what the prices are and of when. */
  readonly source: string;
  readonly agentHour?: number | undefined;
  readonly hourly: z.output<typeof shape.hourly>;
  readonly monthly: z.output<typeof shape.monthly>;
  readonly usage: z.output<typeof shape.usage>;
  readonly fargate: z.output<typeof shape.fargate>;
  /** By instance type, an hour; see `instanceHour` for types by their family. */
  readonly instances: Readonly<Record<string, number>>;
}

/** The month of {@link listPrices}. */
export const pricesOf = "2026-03";

/**
 * List prices, on demand, in us-east-1, without tax and free tier; as published in March 2026. Other regions differ: most
 * cost up to a quarter more. AWS's pages load their numbers by script, so those that no stored page shows are assumed:
 * load balancer, KMS key, disk.
 *
 * @see https://aws.amazon.com/fargate/pricing/
 * @see https://aws.amazon.com/lambda/pricing/
 * @see https://aws.amazon.com/vpc/pricing/
 * @see https://aws.amazon.com/privatelink/pricing/
 * @see https://aws.amazon.com/elasticloadbalancing/pricing/
 * @see https://aws.amazon.com/cloudwatch/pricing/
 * @see https://aws.amazon.com/secrets-manager/pricing/
 * @see https://aws.amazon.com/kms/pricing/
 * @see https://aws.amazon.com/ebs/pricing/
 * @see https://aws.amazon.com/dynamodb/pricing/on-demand/
 * @see https://aws.amazon.com/api-gateway/pricing/
 */
export const listPrices: Prices = {
  source: `AWS's list prices, on demand, us-east-1, ${pricesOf}`,
  hourly: { natGateway: 0.045, publicAddress: 0.005, interfaceEndpoint: 0.01, loadBalancer: 0.0225 },
  monthly: { alarm: 0.1, metric: 0.3, dashboard: 3, secret: 0.4, kmsKey: 1, diskGib: 0.08 },
  usage: {
    lambdaGibSecond: 0.0000133334,
    millionInvocations: 0.2,
    millionWrites: 0.625,
    millionReads: 0.125,
    millionRequests: 1,
    logGib: 0.5,
  },
  fargate: {
    x86_64: { vcpuHour: 0.04048, gibHour: 0.004445 },
    arm64: { vcpuHour: 0.03238, gibHour: 0.00356 },
    storageGibHour: 0.000111,
  },
  instances: {},
};

/** The list prices with one's own in their place. */
export function pricesWith(own: OwnPrices, from: string): Prices {
  const fargate = {
    x86_64: { ...listPrices.fargate.x86_64, ...own.fargate?.x86_64 },
    arm64: { ...listPrices.fargate.arm64, ...own.fargate?.arm64 },
    storageGibHour: own.fargate?.storageGibHour ?? listPrices.fargate.storageGibHour,
  };
  return {
    source: `${own.source ?? from}; the rest: ${listPrices.source}`,
    agentHour: own.agentHour,
    hourly: { ...listPrices.hourly, ...own.hourly },
    monthly: { ...listPrices.monthly, ...own.monthly },
    usage: { ...listPrices.usage, ...own.usage },
    fargate,
    instances: { ...listPrices.instances, ...own.instances },
  };
}
