import * as z from "zod";
import { eventAlarms } from "./alarms.ts";
import { commonFields, commonRules } from "./common.ts";
import { amiById, amiByParameter } from "./compute/ec2-compute.ts";
import { explainTypes, instanceType } from "./compute/instances.ts";
import { stackName } from "./names.ts";
import {
  type Architecture,
  architecture,
  cronPattern,
  deviceName,
  oneOf,
  securityGroupId,
  subnetId,
  text,
  uniqueList,
  wholeNumber,
} from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";
import { functionsAreHere } from "./subscriptions.ts";
import { semaphoreVendor } from "./vendors/semaphore.ts";

const { region, ...restOfCommon } = commonFields;

const baseImage = z.union([amiById, amiByParameter], {
  error: "must be { id: … } or { ssmParameter: … }",
});

/** What is installed of a vendor, in the place where its boot program looks before it installs anything. */
const bakedVendor = z.strictObject({
  type: oneOf(["semaphore"]).describe("The vendor whose agent the image brings. Others install theirs at boot."),
  user: semaphoreVendor.schema.shape.user.describe(
    "User of agents and jobs: the same as `vendor.user` of the fleets on this image.",
  ),
  agent: semaphoreVendor.schema.shape.agent.describe(
    "The agent that is installed in /opt/semaphore/agent, its checksum verified.",
  ),
  toolbox: semaphoreVendor.schema.shape.toolbox.describe(
    "The toolbox of that user, its checksum verified. Left out: none.",
  ),
});

const command = z
  .string({ error: "must be lines of bash" })
  .min(1, { error: "must be lines of bash" })
  .refine((lines) => !lines.includes("{{"), {
    error: "must not have {{ in it: Image Builder takes that for an expression of its own",
  });

const volume = z.strictObject({
  deviceName: deviceName
    .default("/dev/xvda")
    .describe("The base image's root device: /dev/xvda with Amazon Linux, /dev/sda1 with Ubuntu."),
  sizeGiB: wholeNumber(8, 16_384)
    .default(20)
    .describe("Size of the image's disk. Disks of instances must not be smaller."),
});

const securityGroupIds = uniqueList(securityGroupId, 1)
  .optional()
  .describe("Security groups of the instance that builds. Left out: one of our own, without ingress.");

const network = z.union(
  [
    z.strictObject({
      subnetId: subnetId.describe(
        "A subnet with a way out: to Systems Manager, package repositories and what is downloaded.",
      ),
      securityGroupIds,
    }),
    z.strictObject({
      stack: stackName.describe(
        "A stack of `kind: network` in the same account and region, with a way out: its first subnet for agents.",
      ),
      securityGroupIds,
    }),
  ],
  { error: "must be { subnetId: … } or { stack: … }" },
);

/** Image Builder puts no more than 30 tags on what it launches, two of which are the stack's own. */
const mostTags = 28;

const rules: readonly Rule<{
  readonly tags: Readonly<Record<string, string>>;
  readonly architecture: Architecture;
  readonly instanceType?: string | undefined;
}>[] = [
  {
    path: ["tags"],
    reads: [["tags"]],
    check: ({ tags }) => {
      const names = Object.keys(tags);
      const wrong = names.find((name) => !/^[A-Za-z0-9+=._:/-]+$/.test(name));
      if (wrong !== undefined)
        return `must have names of a-z, A-Z, 0-9 and + = . _ : / - alone, not ${JSON.stringify(wrong)}: Image Builder takes no others`;
      return names.length > mostTags
        ? `must have at most ${mostTags} entries: Image Builder puts no more on what it launches`
        : undefined;
    },
  },
  {
    path: ["instanceType"],
    reads: [["instanceType"], ["architecture"]],
    check: ({ instanceType, architecture }) => (instanceType ? explainTypes([instanceType], architecture) : undefined),
  },
];

/** An AMI for fleets on EC2 instances, built by EC2 Image Builder. */
export const machineImage = withRules(
  z.strictObject({
    kind: z
      .literal("machine-image")
      .describe("An AMI for fleets on EC2 instances, which use it by `compute.ami: { stack: … }`."),
    region,
    architecture: architecture.default("x86_64").describe("CPU architecture of the image."),
    baseImage: baseImage
      .optional()
      .describe("What the image is made from. Left out: the newest Amazon Linux 2023 at each build."),
    vendor: bakedVendor
      .optional()
      .describe("Whose agent the image brings, so that no boot installs it. Left out: nobody's."),
    packages: uniqueList(text(/^[A-Za-z0-9][\w.+-]*$/, "the name of an RPM package"))
      .default([])
      .describe("Packages that dnf installs, such as `docker`, before anything else."),
    commands: z
      .array(command)
      .max(100)
      .default([])
      .describe("Lines of bash that run at the end as root, in one shell; the first that fails ends the build."),
    schedule: text(new RegExp(`^(?:never|${cronPattern})$`), "never, or a schedule in UTC such as cron(17 3 ? * SUN *)")
      .default("cron(17 3 ? * SUN *)")
      .describe(
        "When the image is built anew; UTC. With Amazon Linux only if there is a newer one since. `never`: by hand alone.",
      ),
    instanceType: instanceType
      .optional()
      .describe("What the image is built and tried on. Left out: m6i.large, or m6g.large for arm64."),
    volume: volume.prefault({}).describe("The image's disk: gp3, encrypted always, with `kmsKeyArn` or AWS's own key."),
    keep: wholeNumber(1, 1000)
      .default(5)
      .describe(
        "AMIs of the present config that are kept; older ones are deleted, unless an instance was launched from one in the last 90 days.",
      ),
    alarms: eventAlarms.prefault({}).describe("Who is notified of builds that fail."),
    network: network.optional().describe("Where the image is built. Left out: in the default VPC."),
    ...restOfCommon,
  }),
  [...commonRules, functionsAreHere, ...rules],
);

/** The log group that Image Builder writes an image's builds to. @param image its name, which is the recipe's */
export function imageLogGroup(image: string): string {
  return `/aws/imagebuilder/${image}`;
}

/** See {@link machineImage}. */
export type MachineImageConfig = z.output<typeof machineImage>;
