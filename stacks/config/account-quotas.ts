import { buildsImage } from "./compute/image-build.ts";
import { type EcsFleetConfig, networkOf } from "./ecs-fleet.ts";
import { ConfigError } from "./errors.ts";
import type { LoadedStack } from "./load.ts";
import { type VpcConfig, zoneCount } from "./network/vpc.ts";
import { machinesOf } from "./pools.ts";
import type { StackConfig } from "./schema.ts";

const variable = "AGENT_FLEETS_QUOTAS";

/** What the stacks of a region ask for of one thing that new accounts have little of. */
interface Quota {
  /** How much a new account has, in a region. */
  readonly usual: number;
  /** What makes a stack ask for it: keys of its config. */
  readonly keys: string;
  /** How much of it one stack may ask for. */
  readonly part: (config: StackConfig) => number;
  /** The warning. @param amount what the stacks ask for together */
  readonly text: (amount: number) => string;
}

/**
 * What new accounts have, by AWS's documents and as accounts have met it; docs/before-the-first-deploy.md has the sources
 * and the quotas' codes.
 */
const quotas: readonly Quota[] = [
  {
    usual: 6,
    keys: "agents.max × compute.cpu",
    part: (config) => (config.kind === "ecs-fleet" ? fargateCpus(config) : 0),
    text: (amount) => `up to ${amount} vCPU of Fargate, and new accounts have 6`,
  },
  {
    usual: 5,
    keys: "egress of the network",
    part: (config) => natGateways(vpcOf(config)),
    text: (amount) => `${amount} elastic IPs for NAT gateways, and accounts have 5`,
  },
  {
    // The region's default VPC is the fifth.
    usual: 4,
    keys: "network.create, or kind: network",
    part: (config) => (vpcOf(config) ? 1 : 0),
    text: (amount) => `${amount} VPCs, and accounts have 5 with the default one`,
  },
  {
    // With ten, nothing is left for webhooks and retirements.
    usual: 9,
    // A pass runs for seconds. The schedule or a webhook may call meanwhile, and that call leaves at once.
    keys: "kind: ecs-fleet or ec2-fleet",
    part: (config) => (config.kind === "ecs-fleet" || config.kind === "ec2-fleet" ? 2 : 0),
    text: (amount) =>
      `${amount} Lambda executions at once for the loops alone, and new accounts have 10 for everything`,
  },
  {
    usual: 0,
    keys: "compute.image",
    part: (config) => (config.kind === "ecs-fleet" && buildsImage(config) ? 1 : 0),
    text: () => "CodeBuild, of which some new accounts may run no build until AWS Support allows it",
  },
];

/**
 * Says in one warning what the stacks of a folder may ask of a new AWS account that it does not give, as if all of them
 * were in one account. It is none where `AGENT_FLEETS_QUOTAS` is `raised`.
 *
 * @throws ConfigError if the variable has a value that it may not have
 */
export function quotaWarnings(stacks: readonly LoadedStack[], env: NodeJS.ProcessEnv): string[] {
  const wish = env[variable] || "new";
  if (!["new", "raised"].includes(wish)) {
    throw new ConfigError([`${variable}: must be new or raised, found ${JSON.stringify(wish)}`]);
  }
  if (wish === "raised") return [];
  const regions = [...new Set(stacks.map(({ config }) => config.region))];
  const lines = regions.flatMap((region) =>
    quotas.flatMap((quota) =>
      lineOf(
        quota,
        region,
        stacks.filter(({ config }) => config.region === region),
      ),
    ),
  );
  if (lines.length === 0) return [];
  const head =
    "a new AWS account does not give these stacks all that they may ask for. See docs/before-the-first-deploy.md; set " +
    `${variable}=raised once AWS has raised the quotas`;
  return [[head, ...lines].join("\n  ")];
}

function lineOf({ usual, keys, part, text }: Quota, region: string, stacks: readonly LoadedStack[]): string[] {
  const parts = stacks
    .map(({ file, config }) => ({ file, amount: part(config) }))
    .filter(({ amount }) => amount > 0)
    .sort((one, other) => other.amount - one.amount);
  const sum = parts.reduce((total, { amount }) => total + amount, 0);
  if (sum <= usual) return [];
  const largest = parts.slice(0, 3).map(({ file, amount }) => `${amount} in ${file}`);
  const rest = parts.length > largest.length ? [`and ${parts.length - largest.length} more`] : [];
  return [`${region}: ${text(sum)} (${keys}: ${[...largest, ...rest].join(", ")})`];
}

/** vCPUs of all agents on Fargate. */
function fargateCpus(fleet: EcsFleetConfig): number {
  if (fleet.compute.capacityProvider) return 0;
  return machinesOf(fleet).reduce((sum, { max, cpu }) => sum + (max * cpu) / 1024, 0);
}

function natGateways(vpc: VpcConfig | undefined): number {
  if (!vpc) return 0;
  return { "single-nat": 1, "nat-per-az": zoneCount(vpc), "public-ip": 0, "endpoints-only": 0 }[vpc.egress];
}

/** The VPC that a stack makes. */
function vpcOf(config: StackConfig): VpcConfig | undefined {
  if (config.kind === "network") return config;
  if (config.kind === "machine-image") return undefined;
  const network = config.kind === "ecs-fleet" ? networkOf(config) : config.network;
  return "create" in network ? network.create : undefined;
}
