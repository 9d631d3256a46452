import * as z from "zod";
import { eventAlarms } from "./alarms.ts";
import { chatIsHere } from "./chat.ts";
import { commonFields, commonRules } from "./common.ts";
import { amiById, amiByParameter } from "./compute/ec2-compute.ts";
import { explainTypes, instanceType } from "./compute/instances.ts";
import { stackReference } from "./names.ts";
import {
  type Architecture,
  architecture,
  deviceName,
  oneOf,
  securityGroupId,
  subnetId,
  text,
  uniqueList,
  wholeNumber,
} from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";
import { schedule } from "./schedule.ts";
import { functionsAreHere } from "./subscriptions.ts";
import { semaphoreVendor } from "./vendors/semaphore.ts";

const { region, ...restOfCommon } = commonFields;

const baseImage = z.union([amiById, amiByParameter], {
  error: "must be { id: … } or { ssmParameter: … }",
});

/** A vendor's software in the image, in the folders that its boot program checks before it installs anything. */
const bakedVendor = z.strictObject({
  type: oneOf(["semaphore"]).describe(
    "The vendor of the agent in the image. Agents of other vendors are installed at boot.",
  ),
  user: semaphoreVendor.schema.shape.user.describe(
    "User of agents and jobs. Must be the same as `vendor.user` of the fleets on this image.",
  ),
  agent: semaphoreVendor.schema.shape.agent.describe(
    "The agent for /opt/semaphore/agent. The build verifies its checksum.",
  ),
  toolbox: semaphoreVendor.schema.shape.toolbox.describe(
    "The toolbox for that user. The build verifies its checksum. Left out: no toolbox.",
  ),
});

const command = z
  .string({ error: "must be lines of bash" })
  .min(1, { error: "must be lines of bash" })
  .refine((lines) => !lines.includes("{{"), {
    error: "must not contain {{: Image Builder reads it as an expression",
  });

const volume = z.strictObject({
  deviceName: deviceName
    .optional()
    .describe("The base image's root device, checked against the image. Left out: the one that it has."),
  sizeGiB: wholeNumber(8, 16_384)
    .default(20)
    .describe("Size of the image's disk. An instance's disk must be at least as large."),
});

const securityGroupIds = uniqueList(securityGroupId, 1)
  .optional()
  .describe("Security groups of the build instance. Left out: the stack creates one without ingress.");

const network = z.union(
  [
    z.strictObject({
      subnetId: subnetId.describe(
        "A subnet that reaches Systems Manager, package repositories and the build's downloads.",
      ),
      securityGroupIds,
    }),
    z.strictObject({
      ...stackReference(
        "A stack of `kind: network` in the same account and region, with internet access. The build uses its first subnet for agents.",
      ),
      securityGroupIds,
    }),
  ],
  { error: "must be { subnetId: … } or { stack: … }" },
);

/** Image Builder puts at most 30 tags on an instance; the stack sets two of them. */
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
        return `must use letters, digits and + = . _ : / - in tag names, not ${JSON.stringify(wrong)} (Image Builder takes no others)`;
      return names.length > mostTags
        ? `must have at most ${mostTags} entries: Image Builder tags its instances with no more`
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
      .describe("An AMI for fleets on EC2 instances. They refer to it by `compute.ami: { stack: … }`."),
    region,
    architecture: architecture.default("x86_64").describe("CPU architecture of the image."),
    baseImage: baseImage.optional().describe("The base image. Left out: the newest Amazon Linux 2023 at each build."),
    vendor: bakedVendor
      .optional()
      .describe("Puts a vendor's agent into the image, so that instances start faster. Left out: no agent."),
    packages: uniqueList(text(/^[A-Za-z0-9][\w.+-]*$/, "the name of an RPM package"))
      .default([])
      .describe("Packages that dnf installs, such as `docker`, before anything else."),
    commands: z
      .array(command)
      .max(100)
      .default([])
      .describe("Lines of bash that run last, as root, in one shell. The first failure ends the build."),
    schedule: schedule("never", "never, or a schedule in UTC such as cron(17 3 ? * SUN *)")
      .default("cron(17 3 ? * SUN *)")
      .describe(
        "When Image Builder builds a new image, in UTC; with Amazon Linux only if a newer one exists. `never`: only by hand.",
      ),
    instanceType: instanceType
      .optional()
      .describe("Instance type for build and test. Left out: m6i.large, or m6g.large for arm64."),
    volume: volume.prefault({}).describe("The image's disk: gp3, always encrypted, with `kmsKeyArn` or AWS's own key."),
    keep: wholeNumber(1, 1000)
      .default(5)
      .describe(
        "AMIs of the present config to keep. Older ones are deleted, unless an instance was launched from one in the last 90 days.",
      ),
    alarms: eventAlarms.prefault({}).describe("Receivers of alarms about failed builds."),
    network: network.optional().describe("Network of the build instance. Left out: the default VPC."),
    ...restOfCommon,
  }),
  [...commonRules, functionsAreHere, chatIsHere, ...rules],
);

/** The log group for the builds of an image. @param image the recipe's name */
export function imageLogGroup(image: string): string {
  return `/aws/imagebuilder/${image}`;
}

/** See {@link machineImage}. */
export type MachineImageConfig = z.output<typeof machineImage>;
