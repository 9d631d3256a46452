import * as z from "zod";
import { stackReference } from "../names.ts";
import { isCidr } from "../network/cidr.ts";
import { amiId, architecture, deviceName, oneOf, policyArn, text, uniqueList, wholeNumber } from "../primitives.ts";
import { withRules } from "../rules.ts";
import { architectureRule, gp3Disk, instances } from "./instances.ts";

/** An AMI by its id. */
export const amiById = z.strictObject({ id: amiId.describe("An AMI by its id.") });

/** An AMI by the SSM parameter that names it. */
export const amiByParameter = z.strictObject({
  ssmParameter: text(/^\/[\w./-]{1,1010}$/, "the name of an SSM parameter, with its leading slash").describe(
    "An SSM parameter that names the AMI, read when Terraform plans.",
  ),
});

const ami = z.union(
  [
    amiById,
    amiByParameter,
    z.strictObject(
      stackReference(
        "A stack of `kind: machine-image` in the same account and region: the newest AMI that it has built when Terraform plans.",
      ),
    ),
    z.strictObject({
      nameFilter: text(/^[\w()[\] ./@*?-]{3,128}$/, "an AMI's name, which may have * and ?").describe(
        "The newest AMI of such a name, looked up when Terraform plans.",
      ),
      owners: uniqueList(
        text(/^(?:[0-9]{12}|self|amazon|aws-marketplace)$/, "an AWS account, self, amazon or aws-marketplace"),
        1,
      ).describe("The owner of the AMI: an account id, or `amazon`, `aws-marketplace` or `self`."),
    }),
  ],
  { error: "must be { id: … }, { ssmParameter: … }, { stack: … } or { nameFilter: …, owners: … }" },
);

const volume = gp3Disk("an instance", { smallestGiB: 8, usualGiB: 40 }).safeExtend({
  deviceName: deviceName
    .optional()
    .describe("The AMI's root device, checked against the AMI. Left out: the one that the AMI has."),
});

const warmPool = z.strictObject({
  state: oneOf(["stopped", "running", "hibernated"]).default("stopped").describe("The state in which instances wait."),
  min: wholeNumber(0, 1000).default(0).describe("Smallest number of waiting instances."),
  maxPrepared: wholeNumber(1, 10_000)
    .optional()
    .describe("Largest number of instances, waiting and in service together. Left out: `agents.max`."),
});

const cidr = z
  .string()
  .refine((text) => isCidr(text, 0, 32) || z.cidrv6().safeParse(text).success, {
    error: "must be an IPv4 or IPv6 range, such as 203.0.113.0/24",
  })
  .refine((text) => !text.endsWith("/0"), { error: "must not be the whole internet" });

const ssh = z.strictObject({
  keyName: text(/^[\x20-\x7e]{1,255}$/, "the name of an EC2 key pair").describe("The key pair."),
  cidrs: uniqueList(cidr, 1).describe("Address ranges that may reach port 22."),
});

const statement = z.strictObject({
  effect: oneOf(["Allow", "Deny"]).default("Allow").describe("Whether the statement gives rights or takes them away."),
  actions: uniqueList(text(/^[a-z0-9-]+:[A-Za-z0-9*]+$/, "an action such as s3:GetObject"), 1).describe(
    "The actions of the statement.",
  ),
  resources: uniqueList(text(/^(?:arn:\S+|\*)$/, "an ARN, or *"), 1).describe("The resources of the statement."),
  conditions: z
    .record(
      text(/^[A-Za-z]+(?::[A-Za-z]+)?$/, "an operator such as StringEquals"),
      z.record(
        text(/^[\w-]+:[\w/${}:.+=@-]+$/, "a condition key such as aws:ResourceAccount"),
        z.union([z.string(), z.array(z.string()).min(1)], { error: "must be text or a list of texts" }),
      ),
    )
    .optional()
    .describe("Conditions of the statement, as in an IAM policy: operator, condition key, value or values."),
});

const instanceRole = z.union(
  [
    z.strictObject({
      name: text(/^[\w+=,.@-]{1,64}$/, "the name of an IAM role").describe(
        "An existing role that EC2 may assume. What agents need is for you to grant; see docs/ec2-fleet.md.",
      ),
    }),
    z.strictObject({
      extraPolicyArns: uniqueList(policyArn)
        .default([])
        .describe("Managed policies to attach to the instances' own role."),
      extraStatements: z
        .array(statement)
        .max(50)
        .default([])
        .describe("Statements to add to the policy of the instances' own role."),
    }),
  ],
  { error: "must be { name: … } or { extraPolicyArns: […], extraStatements: […] }" },
);

/** The loop needs the other processes: without them, dead instances stay, or no instance is launched or ended. */
const suspendable = oneOf([
  "AddToLoadBalancer",
  "AlarmNotification",
  "AZRebalance",
  "InstanceRefresh",
  "ScheduledActions",
]);

const refresh = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("Whether a changed template replaces the instances that have the old one. Each finishes its job first."),
  atOncePercent: wholeNumber(1, 100)
    .default(10)
    .describe("Share of the fleet that may be replaced at the same time; at least one instance."),
});

const spotFallback = z.strictObject({
  afterMinutes: wholeNumber(5, 60)
    .default(10)
    .describe(
      "Minutes for which an order must have stood, while AWS had no capacity, before launches go to On-Demand. So many " +
        "minutes later the fleet tries Spot again.",
    ),
});

const fields = z.strictObject({
  instances: instances("an instance")
    .prefault({ vcpus: { min: 2, max: 4 }, memoryMiB: { min: 4096, max: 16_384 } })
    .describe("Instance types: a list, or attributes that AWS chooses by. Each instance runs one agent."),
  architecture: architecture.default("x86_64").describe("CPU architecture of instances and their AMI."),
  ami: ami.optional().describe("The image of the instances. Left out: the vendor's default image."),
  onDemandBase: wholeNumber(0, 10_000)
    .default(0)
    .describe("Number of instances that are always On-Demand, before `spotPercent` counts."),
  spotPercent: wholeNumber(0, 100)
    .default(0)
    .describe("Share of Spot above `onDemandBase`. AWS may reclaim a Spot instance in a job with two minutes' notice."),
  onDemandAllocation: oneOf(["prioritized", "lowest-price"])
    .optional()
    .describe("How AWS chooses the On-Demand type. Left out: the first of the list; with attributes, the cheapest."),
  spotAllocation: oneOf(["price-capacity-optimized", "capacity-optimized", "lowest-price"])
    .default("price-capacity-optimized")
    .describe("How AWS chooses the Spot capacity pool."),
  spotMaxPrice: text(/^[0-9]+(?:\.[0-9]{1,6})?$/, 'a price in US dollars an hour, in quotes, such as "0.05"')
    .optional()
    .describe("Highest price of a Spot instance, in US dollars an hour. Left out: the On-Demand price."),
  spotFallback: spotFallback
    .optional()
    .describe(
      "Launches On-Demand instances while Spot has no capacity, from a second group. They cost more. Left out: jobs wait " +
        "until Spot has capacity.",
    ),
  capacityRebalance: z
    .boolean()
    .default(true)
    .describe(
      "Whether AWS replaces Spot instances that it may soon reclaim: it launches the new one and ends the old one, whose " +
        "job is waited for. `false`: the recommendation is ignored.",
    ),
  maxLifetimeSeconds: wholeNumber(0, 31_536_000)
    .refine((seconds) => seconds === 0 || seconds >= 86_400, {
      error: "must be 0 or a whole number from 86400 to 31536000",
    })
    .default(0)
    .describe("Age at which the loop replaces an instance, after its job, in seconds. 0: never."),
  warmPool: warmPool.optional().describe("Instances that have booted once and wait, so that they start faster."),
  suspendedProcesses: uniqueList(suspendable)
    .default([])
    .describe("Auto Scaling processes to suspend; AZRebalance is always suspended."),
  groupMetrics: z.boolean().default(true).describe("Whether the group's own metrics are collected; they are free."),
  volume: volume.prefault({}).describe("An instance's disk: gp3, encrypted always, with `kmsKeyArn` or AWS's own key."),
  detailedMonitoring: z.boolean().default(false).describe("EC2 metrics each minute, which AWS charges for."),
  tenancy: oneOf(["default", "dedicated"]).default("default").describe("Whether instances share their hardware."),
  placementGroup: text(/^[\x21-\x7e]{1,255}$/, "the name of a placement group")
    .optional()
    .describe("An existing placement group."),
  ssh: ssh.optional().describe("Opens SSH to instances. Left out: no SSH; use Session Manager."),
  ipv6: z.boolean().default(false).describe("Whether instances get an IPv6 address; their subnets must have a range."),
  disableContainerCredentials: z
    .boolean()
    .default(true)
    .describe("Whether the metadata service answers the instance alone, not containers on it (hop limit 1, else 2)."),
  instanceRole: instanceRole
    .prefault({ extraPolicyArns: [] })
    .describe(
      "Rights of instances, and so of jobs, in AWS: the fleet's own role with more rights, or a role of yours.",
    ),
  refresh: refresh.prefault({}).describe("How the loop replaces instances that are too old or have an old template."),
  healthCheckGraceSeconds: wholeNumber(0, 7200)
    .default(300)
    .describe("Seconds before the group checks the health of a new instance."),
  hostLogs: z.boolean().default(true).describe("Whether the CloudWatch agent ships the logs of boot and agent."),
});

/** The instances of a fleet on an Auto Scaling group. */
export const ec2Compute = withRules(fields, [
  architectureRule,
  {
    path: ["warmPool"],
    reads: [["warmPool"], ["spotPercent"], ["instances"]],
    check: ({ warmPool: pool, spotPercent, instances: wanted }) => {
      if (!pool) return undefined;
      if (spotPercent > 0) return "must be left out with spotPercent: AWS keeps no Spot instances warm";
      return "types" in wanted && wanted.types.length === 1
        ? undefined
        : "must come with one instance type: AWS keeps no mixed instances warm";
    },
  },
  {
    path: ["onDemandAllocation"],
    reads: [["onDemandAllocation"], ["instances"]],
    check: ({ onDemandAllocation, instances: wanted }) =>
      onDemandAllocation === "prioritized" && !("types" in wanted)
        ? "must be lowest-price with instances by attributes: there is no order to go by"
        : undefined,
  },
  {
    path: ["spotFallback"],
    reads: [["spotFallback"], ["spotPercent"]],
    check: ({ spotFallback: fallback, spotPercent }) =>
      fallback !== undefined && spotPercent === 0
        ? "must be left out while spotPercent is 0: without Spot all instances are On-Demand"
        : undefined,
  },
  {
    path: ["spotMaxPrice"],
    reads: [["spotMaxPrice"], ["spotPercent"]],
    check: ({ spotMaxPrice, spotPercent }) =>
      spotMaxPrice !== undefined && spotPercent === 0 ? "must be left out while spotPercent is 0" : undefined,
  },
]);

/** See {@link ec2Compute}. */
export type Ec2ComputeConfig = z.output<typeof ec2Compute>;
