import * as z from "zod";
import { stackReference } from "../names.ts";
import type { NetworkConfig } from "../network/network.ts";
import { architecture, oneOf, secretReference, text, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import { execRule, sidecar, variableName, volume } from "./container.ts";
import {
  containerImage,
  createCacheRepository,
  needlessCredentials,
  repositoryCredentialsArn,
  tfcAgentImage,
} from "./image.ts";
import { imageBuild } from "./image-build.ts";

/** The memory sizes, in MiB, that Fargate offers with each CPU size. */
const fargateMemoryMiB = new Map([
  [256, [512, 1024, 2048]],
  [512, steps(1024, 4096, 1024)],
  [1024, steps(2048, 8192, 1024)],
  [2048, steps(4096, 16_384, 1024)],
  [4096, steps(8192, 30_720, 1024)],
  [8192, steps(16_384, 61_440, 4096)],
  [16_384, steps(32_768, 122_880, 8192)],
]);

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}

/** CPU units that ECS offers on Fargate. */
export const cpuUnits = oneOf([256, 512, 1024, 2048, 4096, 8192, 16_384]);

const ownVariableName = variableName.refine((name) => !name.startsWith("AGENT_FLEETS_"), {
  error: "must not start with AGENT_FLEETS_: those variables belong to the agent's entry point",
});

/** Variables of agents and their jobs. */
export const environment = z.record(ownVariableName, z.string());

const capacityProvider = z.union(
  [
    z.strictObject(stackReference("A stack of `kind: ecs-cluster` in the same account and region.")),
    z.strictObject({
      name: text(/^[\w-]{1,255}$/, "the name of a capacity provider").describe(
        "A capacity provider of `compute.cluster`.",
      ),
    }),
  ],
  { error: "must be either { stack: … } or { name: … }" },
);

const agentImage = z.union(
  [containerImage, z.strictObject({ build: imageBuild.describe("Builds the image with CodeBuild.") })],
  { error: "must be a container image pinned to a version or a digest, or { build: … }" },
);

/** The machine one agent runs on: an ECS task on Fargate or on the hosts of a cluster. */
export const compute = withRules(
  z.strictObject({
    cpu: cpuUnits.default(1024).describe("CPU units of one agent; 1024 are one vCPU."),
    memoryMiB: wholeNumber(512, 122_880)
      .default(2048)
      .describe("Memory of one agent. Fargate offers certain sizes with each `cpu`; tfc-agent needs 2048 at least."),
    ephemeralStorageGiB: wholeNumber(21, 200)
      .optional()
      .describe("Disk of one agent. Left out: the 20 GiB that Fargate includes."),
    architecture: architecture
      .default("x86_64")
      .describe("CPU architecture. The first agent of a pool fixes the pool's, so a change needs a new pool."),
    spot: z
      .boolean()
      .default(false)
      .describe("Whether to prefer Fargate Spot. AWS may reclaim a Spot agent in a job with two minutes' notice."),
    image: agentImage
      .optional()
      .describe(
        "Container image of the agent, pinned by tag or digest, or `{ build: … }` where we have a recipe. " +
          `Left out: ${tfcAgentImage} for HCP Terraform, an image that the stack builds for Azure DevOps.`,
      ),
    repositoryCredentialsArn: repositoryCredentialsArn.describe(
      "Secret with user name and password of the private registry of `image`, such as Docker Hub.",
    ),
    createCacheRepository,
    environment: environment
      .default({})
      .describe(
        "More environment variables for the agent and its jobs. Not for secrets: they are readable in AWS, and agents of " +
          "azure-devops publish them as capabilities, which jobs may demand.",
      ),
    secrets: z
      .record(ownVariableName, secretReference)
      .default({})
      .describe("Environment variables of agents and jobs from secrets, by ARN. Never published as capabilities."),
    volumes: z
      .array(volume)
      .default([])
      .describe("Volumes of each agent: EFS, a folder of the host, or with neither an empty one."),
    sidecars: z
      .array(sidecar)
      .max(9)
      .default([])
      .describe("Containers beside each agent, which share its CPU, memory and network, and end with it."),
    readonlyRootFilesystem: z
      .boolean()
      .default(false)
      .describe(
        "Whether agents may write only to their working folders and /tmp. Jobs that install tools need more. On Fargate " +
          "the image must declare those folders by VOLUME, as ours for Azure DevOps does and hashicorp/tfc-agent does not.",
      ),
    enableExecuteCommand: z
      .boolean()
      .default(false)
      .describe("Whether operators may open a shell in a running agent by ECS Exec."),
    containerInsights: z
      .boolean()
      .default(false)
      .describe("Whether our own cluster records Container Insights, which AWS charges for."),
    cluster: z
      .strictObject({ name: text(/^[\w-]{1,255}$/, "the name of an ECS cluster").describe("The cluster's name.") })
      .optional()
      .describe("An existing ECS cluster with the Fargate capacity providers. Left out: one of our own."),
    capacityProvider: capacityProvider
      .optional()
      .describe("EC2 hosts to run agents on, of a stack of ours or by name. Left out: Fargate."),
  }),
  [
    {
      path: ["cluster"],
      reads: [["cluster"], ["capacityProvider"]],
      check: ({ cluster, capacityProvider: hosts }) => {
        if (!hosts) return undefined;
        if ("stack" in hosts) return cluster && "must be left out: compute.capacityProvider.stack is the cluster";
        return cluster ? undefined : "must be given: it has the capacity provider";
      },
    },
    ...(["spot", "ephemeralStorageGiB"] as const).map((key) => ({
      path: [key],
      reads: [[key], ["capacityProvider"]],
      check: (compute: { readonly [K in typeof key]?: unknown } & { readonly capacityProvider?: unknown }) =>
        compute[key] && compute.capacityProvider
          ? "must be left out with capacityProvider: the hosts decide"
          : undefined,
    })),
    execRule("enableExecuteCommand"),
    {
      path: ["repositoryCredentialsArn"],
      reads: [["image"], ["repositoryCredentialsArn"]],
      check: ({ image, repositoryCredentialsArn: credentials }) =>
        typeof image === "object" && credentials !== undefined
          ? "must be left out with image.build: the stack's own image is in ECR, for which IAM gives the rights"
          : needlessCredentials(image as string | undefined, credentials),
    },
    {
      path: ["volumes"],
      reads: [["volumes"], ["capacityProvider"]],
      check: ({ volumes, capacityProvider: hosts }) =>
        !hosts && volumes.some(({ hostPath }) => hostPath !== undefined)
          ? "must not have a hostPath without capacityProvider: Fargate shows no host"
          : repeated(volumes),
    },
    {
      path: ["sidecars"],
      reads: [["sidecars"], ["volumes"]],
      check: ({ sidecars, volumes }) => {
        const known = volumes.map(({ name }) => name);
        const missing = sidecars.flatMap(({ mounts }) => mounts).find((name) => !known.includes(name));
        return missing === undefined
          ? repeated(sidecars)
          : `must mount volumes of compute.volumes, which has no ${missing}`;
      },
    },
    {
      path: ["secrets"],
      reads: [["secrets"], ["environment"]],
      check: ({ secrets, environment: plain }) => {
        const both = Object.keys(secrets).find((name) => Object.hasOwn(plain, name));
        return both === undefined ? undefined : `must not repeat compute.environment's ${both}`;
      },
    },
    {
      path: ["memoryMiB"],
      reads: [["cpu"], ["memoryMiB"], ["capacityProvider"]],
      check: wrongMemory,
    },
  ],
);

function repeated(items: readonly { readonly name: string }[]): string | undefined {
  const twice = items.find(({ name }, index) => items.findIndex((other) => other.name === name) !== index);
  return twice && `must not have two of the name ${twice.name}`;
}

/** The error about a task's memory for its CPU size, as "must …". EC2 hosts take any size. */
export function wrongMemory(task: {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly capacityProvider?: unknown;
}): string | undefined {
  if (task.capacityProvider) return undefined;
  const sizes = fargateMemoryMiB.get(task.cpu) ?? [];
  return sizes.includes(task.memoryMiB) ? undefined : `must be ${inWords(sizes)} with a cpu of ${task.cpu}`;
}

/** Rules between a cluster's hosts and the agents on them. */
export const hostRules: readonly Rule<{
  readonly compute: ComputeConfig;
  readonly network?: NetworkConfig | undefined;
}>[] = [
  {
    path: ["network"],
    reads: [["compute", "capacityProvider"], ["network"]],
    check: ({ compute: { capacityProvider: hosts }, network }) => {
      if (!hosts || (!network && "stack" in hosts)) return undefined;
      if (!network || "create" in network) {
        const left = "stack" in hosts ? "be left out or " : "";
        return `must ${left}name the network of the hosts, by stack or by ids, with compute.capacityProvider: agents are in the VPC of their host`;
      }
      return "assignPublicIp" in network && network.assignPublicIp
        ? "must not ask for assignPublicIp with compute.capacityProvider: tasks on EC2 get none, so their subnets need NAT or endpoints"
        : undefined;
    },
  },
];

/** See {@link compute}. */
export type ComputeConfig = z.output<typeof compute>;

/** `2048, 3072, 4096, … 8192`: short lists in full, long ones as their first steps and their end. */
function inWords(sizes: readonly number[]): string {
  return sizes.length <= 7
    ? `one of ${sizes.join(", ")}`
    : `one of ${sizes.slice(0, 3).join(", ")}, … ${sizes.at(-1)} (in steps of ${(sizes[1] ?? 0) - (sizes[0] ?? 0)})`;
}
