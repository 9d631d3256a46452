import * as z from "zod";
import { architectureRule, gp3Disk, instances } from "../compute/instances.ts";
import { amiId, architecture, text, wholeNumber } from "../primitives.ts";
import { withRules } from "../rules.ts";

const refresh = withRules(
  z.strictObject({
    minHealthyPercent: wholeNumber(0, 100)
      .default(100)
      .describe("Share of the hosts that stay in service, in percent."),
    maxHealthyPercent: wholeNumber(100, 200).default(110).describe("Most hosts at once, old and new, in percent."),
    warmupSeconds: wholeNumber(0, 3600)
      .default(120)
      .describe("How long after its start a new host counts as in service."),
  }),
  [
    {
      path: ["maxHealthyPercent"],
      reads: [["minHealthyPercent"], ["maxHealthyPercent"]],
      check: ({ minHealthyPercent: min, maxHealthyPercent: max }) =>
        max === min
          ? "must be more than minHealthyPercent, or AWS could not replace any host"
          : max - min > 100
            ? "must be at most 100 above minHealthyPercent"
            : undefined,
    },
  ],
);

/** Variables of the ECS agent that this stack sets itself or that would hold a credential. */
const reservedVariables: Readonly<Record<string, string>> = {
  ECS_CLUSTER: "is the stack's own cluster",
  ECS_ENABLE_SPOT_INSTANCE_DRAINING: "is set wherever hosts.spotPercent asks for Spot",
  ECS_AWSVPC_BLOCK_IMDS: "is set, so that tasks cannot use the host's role",
  ECS_ENGINE_AUTH_DATA: "would put a credential into user data: use services[].repositoryCredentialsArn",
  ECS_ENGINE_AUTH_TYPE: "would put a credential into user data: use services[].repositoryCredentialsArn",
};

const ecsConfig = z.record(
  text(/^ECS_[A-Z0-9_]+$/, "a setting of the ECS agent such as ECS_RESERVED_MEMORY").refine(
    (name) => !Object.hasOwn(reservedVariables, name),
    { error: ({ input }) => `must be left out: it ${reservedVariables[String(input)]}` },
  ),
  text(/^[^\r\n\0]*$/, "text of one line"),
);

/** EC2 takes 16 KiB of user data in all; our own script needs the rest. */
const maxUserDataBytes = 6144;

const userData = z
  .string()
  .refine((script) => script.startsWith("#!") || script.startsWith("#cloud-config\n"), {
    error: "must start with #! (a script) or be a #cloud-config",
  })
  .refine((script) => Buffer.byteLength(script) <= maxUserDataBytes, {
    error: `must have at most ${maxUserDataBytes} bytes: EC2 takes 16 KiB in all. Let a short script fetch a long one`,
  });

/** The EC2 hosts of a cluster. */
export const hosts = withRules(
  z.strictObject({
    architecture: architecture.default("x86_64").describe("CPU architecture of the hosts and their AMI."),
    amiId: amiId
      .optional()
      .describe(
        "A pinned ECS-optimized AMI. Left out: each deploy takes the newest one with Amazon Linux 2023, from AWS's SSM parameter.",
      ),
    instances: instances("a host")
      .prefault({ vcpus: { min: 2, max: 4 }, memoryMiB: { min: 4096, max: 16_384 } })
      .describe("Instance types of the hosts: a list, or requirements."),
    min: wholeNumber(0, 1000).default(0).describe("Fewest hosts."),
    max: wholeNumber(1, 1000).default(10).describe("Most hosts, apart from those that replace others."),
    onDemandBase: wholeNumber(0, 1000)
      .default(0)
      .describe("Number of hosts that are always On-Demand, before `spotPercent` applies."),
    spotPercent: wholeNumber(0, 100).default(0).describe("Share of Spot among the hosts above `onDemandBase`."),
    targetCapacityPercent: wholeNumber(1, 100)
      .default(100)
      .describe("How full the hosts should be. Below 100, spare hosts let tasks start at once."),
    volume: gp3Disk("a host", { smallestGiB: 30, usualGiB: 30 })
      .prefault({})
      .describe("A host's disk: gp3, always encrypted, with `kmsKeyArn` or AWS's own key."),
    maxLifetimeDays: wholeNumber(1, 365)
      .default(30)
      .describe("Days after which AWS drains and replaces all hosts. New hosts take the AMI of the last deploy."),
    refresh: refresh
      .prefault({})
      .describe("How AWS replaces hosts after a change of their template. ECS drains each one first."),
    ecsConfig: ecsConfig
      .default({})
      .describe("More settings of the ECS agent, one line each in /etc/ecs/ecs.config. Not for secrets."),
    userData: userData
      .optional()
      .describe(
        "A script or cloud-config that runs at a host's first boot, before the ECS agent starts. Not for secrets.",
      ),
  }),
  [
    architectureRule,
    {
      path: ["min"],
      reads: [["min"], ["max"]],
      check: ({ min, max }) => (min > max ? `must not be more than hosts.max, which is ${max}` : undefined),
    },
    {
      path: ["onDemandBase"],
      reads: [["onDemandBase"], ["max"]],
      check: ({ onDemandBase, max }) =>
        onDemandBase > max ? `must not be more than hosts.max, which is ${max}` : undefined,
    },
  ],
);

/** See {@link hosts}. */
export type HostsConfig = z.output<typeof hosts>;
