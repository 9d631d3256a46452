import { ecrImageOf } from "../../handlers/lib/core/ecr-image.ts";
import { hasReceiver } from "./alarms.ts";
import { tfcAgentImage } from "./compute/image.ts";
import { buildsImage } from "./compute/image-build.ts";
import type { Ec2FleetConfig } from "./ec2-fleet.ts";
import type { EcsClusterConfig } from "./ecs-cluster.ts";
import { type EcsFleetConfig, networkOf } from "./ecs-fleet.ts";
import { lambdaRuntimeOf } from "./lambda-runtime.ts";
import type { NetworkConfig } from "./network/network.ts";
import { agentAddresses } from "./network/subnets.ts";
import { type Endpoint, endpointsOf } from "./network/vpc.ts";
import { type Explanation, warning } from "./reading/explain.ts";
import { regionsNear, standingOf } from "./regions.ts";
import type { StackConfig } from "./schema.ts";
import { vendorOf } from "./vendors/index.ts";
import type { OutboundConfig } from "./vendors/outbound.ts";

const secondsADay = 86_400;

/** Warnings about settings that are allowed but most likely a mistake. */
export function warningsOf(config: StackConfig): Explanation[] {
  return [...regionWarnings(config), ...kindWarnings(config)];
}

function regionWarnings({ region }: StackConfig): Explanation[] {
  const standing = standingOf(region);
  if (standing === "usual") return [];
  if (standing === "to enable") {
    return [warning(["region"], `is ${region}, which no account has from the start: enable it in the account first`)];
  }
  const near = regionsNear(region);
  const known = near.length > 0 ? `: did you mean ${near.join(", ")}?` : "";
  const message = `is ${region}, a region that this version does not know. Unless AWS has opened it lately, correct it${known}`;
  return [warning(["region"], message)];
}

function kindWarnings(config: StackConfig): Explanation[] {
  switch (config.kind) {
    case "ecs-fleet":
      return [...fleetWarnings(config), ...runtimeWarnings(config)];
    case "ec2-fleet":
      return [...instanceFleetWarnings(config), ...runtimeWarnings(config)];
    case "ecs-cluster":
      return clusterWarnings(config);
    default:
      return [];
  }
}

function runtimeWarnings(config: EcsFleetConfig | Ec2FleetConfig): Explanation[] {
  if (lambdaRuntimeOf(config) !== "nodejs22.x") return [];
  const advice = config.loop.runtime
    ? "take nodejs24.x, with AWS provider 6.19.0 or later"
    : "let providers.aws begin at 6.19.0 or later, or set loop.runtime to nodejs24.x";
  const message = `functions run on nodejs22.x, which AWS supports until 2027-04-30: ${advice}`;
  return [warning(config.loop.runtime ? ["loop", "runtime"] : ["providers", "aws"], message)];
}

function clusterWarnings({ alarms, network, services }: EcsClusterConfig): Explanation[] {
  const publicIp = "create" in network && network.create.egress === "public-ip";
  return [
    !hasReceiver(alarms) &&
      warning(["alarms"], "has no receiver: set alarms.emails, or nobody is notified of failed tasks and deployments"),
    publicIp &&
      services.some(({ networkMode }) => networkMode === "awsvpc") &&
      warning(
        ["network", "create", "egress"],
        "is public-ip: tasks with networkMode awsvpc on EC2 get no public IP, so they cannot reach the internet",
      ),
  ].filter((each) => each !== false);
}

function instanceFleetWarnings(config: Ec2FleetConfig): Explanation[] {
  const vendor = vendorOf(config);
  return [
    ...vendor.warnings(config),
    ...proxyWarnings(config),
    ...networkWarnings(
      config.network,
      config.agents.max,
      addressWithoutProxy(config, vendor.reaches(config.vendor).address),
    ),
    ...endpointWarnings(config.network, endpointsOfInstances(config)),
  ].filter((each) => each !== false);
}

function fleetWarnings(config: EcsFleetConfig): Explanation[] {
  const { agents, compute, pools } = config;
  const vendor = vendorOf(config);
  const most = pools ? pools.reduce((sum, pool) => sum + (pool.max ?? agents.max), 0) : agents.max;
  return [
    ...vendor.warnings(config),
    ...proxyWarnings(config),
    ...networkWarnings(networkOf(config), most, addressWithoutProxy(config, vendor.reaches(config.vendor).address)),
    ...endpointWarnings(networkOf(config), endpointsOfContainers(config)),
    ...imageAgeWarnings(config),
    compute.capacityProvider !== undefined &&
      agents.maxLifetimeSeconds > secondsADay &&
      warning(
        ["agents", "maxLifetimeSeconds"],
        "is more than a day: a host that must be replaced waits at most two days for its agents, last job included",
      ),
  ].filter((each) => each !== false);
}

/** The loop asks ECR of its own region for the dates of images, and no other registry. */
function imageAgeWarnings(config: EcsFleetConfig): Explanation[] {
  const { alarms, compute, pools, region } = config;
  const { imageAgeDays } = alarms;
  const named = (pools ?? [undefined]).map((pool) => pool?.compute.image ?? compute.image);
  const isKnown = (image: (typeof named)[number]) =>
    typeof image === "string" ? ecrImageOf(image)?.region === region : buildsImage(config);
  const unknown = [...new Set(named.filter((image) => !isKnown(image)))];
  if (imageAgeDays === undefined || unknown.length === 0) return [];
  const images = unknown.map((image) => (typeof image === "string" ? image : tfcAgentImage)).join(", ");
  return [warning(["alarms", "imageAgeDays"], `rings for no image outside of ECR in ${region}: ${images}`)];
}

/** The parts of a fleet's config that say how it reaches its vendor. */
interface FleetsWay {
  readonly vendor: OutboundConfig;
  readonly loop: { readonly inNetwork: boolean };
}

/** A proxy has most often a private address, which functions outside of the network do not reach. */
function proxyWarnings({ vendor, loop }: FleetsWay): Explanation[] {
  if (vendor.proxy === undefined || loop.inNetwork) return [];
  return [
    warning(
      ["vendor", "proxy"],
      "is used by the functions, too, which run outside of the fleet's network: set loop.inNetwork unless the proxy has a public address",
    ),
  ];
}

/** The address that agents must reach by themselves. */
function addressWithoutProxy({ vendor }: FleetsWay, address: string | undefined): string | undefined {
  return vendor.proxy === undefined ? address : undefined;
}

/** @param address the public URL that agents must reach, if any */
function networkWarnings(network: NetworkConfig, mostAgents: number, address: string | undefined): Explanation[] {
  if (!("create" in network)) return [];
  const room = agentAddresses(network.create);
  return [
    mostAgents > room &&
      warning(
        ["network", "create", "cidr"],
        `has room for ${room} agents, fewer than agents.max (${mostAgents}): take a larger range`,
      ),
    network.create.egress === "endpoints-only" &&
      address !== undefined &&
      warning(["network", "create", "egress"], `is endpoints-only: agents cannot reach ${address} to register`),
  ].filter((each) => each !== false);
}

/** @param needed services that the fleet calls from its network, besides the default ones */
function endpointWarnings(network: NetworkConfig, needed: readonly Endpoint[]): Explanation[] {
  if (!("create" in network) || network.create.egress !== "endpoints-only") return [];
  const there = endpointsOf(network.create);
  const missing = needed.filter((endpoint) => !there.includes(endpoint));
  if (missing.length === 0) return [];
  return [
    warning(["network", "create", "endpoints"], `lacks ${missing.join(", ")}, which this fleet calls from its network`),
  ];
}

/** What every loop calls where it runs in the network: its state table, and the queue of its next looks. */
const loopEndpoints: readonly Endpoint[] = ["dynamodb", "sqs"];

function endpointsOfInstances(config: Ec2FleetConfig): Endpoint[] {
  const { asksInstances, ...vendor } = vendorOf(config);
  const { agents, functions } = vendor.reaches(config.vendor);
  // Instances report through the release queue that their agent has left or never registered.
  if (!config.loop.inNetwork) return ["sqs", ...agents];
  const asked = asksInstances ? (["ssm"] as const) : [];
  return [...agents, ...loopEndpoints, "autoscaling", "ec2", "states", ...asked, ...functions];
}

function endpointsOfContainers(config: EcsFleetConfig): Endpoint[] {
  const { agents, functions } = vendorOf(config).reaches(config.vendor);
  return config.loop.inNetwork ? [...agents, ...loopEndpoints, "ecs", ...functions] : [...agents];
}
