import { agents as agentsSchema } from "./agents.ts";
import type { Ec2FleetConfig } from "./ec2-fleet.ts";
import type { EcsClusterConfig } from "./ecs-cluster.ts";
import { type EcsFleetConfig, networkOf } from "./ecs-fleet.ts";
import type { NetworkConfig } from "./network/network.ts";
import { agentAddresses } from "./network/subnets.ts";
import { type Endpoint, endpointsOf } from "./network/vpc.ts";
import type { Explanation } from "./reading/explain.ts";
import type { StackConfig } from "./schema.ts";
import type { HcpTerraformConfig } from "./vendors/hcp-terraform.ts";

const tfcAgentMinimumMiB = 2048;
const hostStartSeconds = 600;
const secondsADay = 86_400;
const publicAddress = "https://app.terraform.io";

/** What is allowed but most likely not what its author wants. */
export function warningsOf(config: StackConfig): Explanation[] {
  switch (config.kind) {
    case "ecs-fleet":
      return fleetWarnings(config);
    case "ec2-fleet":
      return [
        ...networkWarnings(config.network, config.agents.max, publicAddressOf(config.vendor)),
        ...endpointWarnings(config.network, endpointsOfInstances(config)),
      ];
    case "ecs-cluster":
      return clusterWarnings(config);
    default:
      return [];
  }
}

function clusterWarnings({ alarms, network, services }: EcsClusterConfig): Explanation[] {
  const publicIp = "create" in network && network.create.egress === "public-ip";
  return [
    alarms.topicArn === undefined &&
      alarms.emails.length + alarms.subscriptions.length === 0 &&
      warn(["alarms"], "has no receiver: set alarms.emails, or nobody is notified of failed tasks and deployments"),
    publicIp &&
      services.some(({ networkMode }) => networkMode === "awsvpc") &&
      warn(
        ["network", "create", "egress"],
        "is public-ip: tasks with networkMode awsvpc on EC2 get no public IP, and so no way out",
      ),
  ].filter((warning) => warning !== false);
}

function fleetWarnings(config: EcsFleetConfig): Explanation[] {
  const { agents, compute, pools, vendor } = config;
  const most = pools ? pools.reduce((sum, pool) => sum + (pool.max ?? agents.max), 0) : agents.max;
  return [
    ...(vendor.type === "hcp-terraform" ? hcpTerraformWarnings(config, vendor) : []),
    vendor.type === "azure-devops" &&
      agents.idleTimeoutSeconds !== agentsSchema.parse({}).idleTimeoutSeconds &&
      warn(
        ["agents", "idleTimeoutSeconds"],
        "has no effect with azure-devops: the loop retires idle agents, after scaling.scaleInCooldownSeconds and scaling.scaleInAfterObservations",
      ),
    ...networkWarnings(networkOf(config), most, publicAddressOf(vendor)),
    ...endpointWarnings(networkOf(config), endpointsOfContainers(config)),
    compute.capacityProvider !== undefined &&
      agents.registrationGraceSeconds < hostStartSeconds &&
      warn(
        ["agents", "registrationGraceSeconds"],
        `is below ${hostStartSeconds}: an agent that waits for a new host may be given up before the host has started`,
      ),
    compute.capacityProvider !== undefined &&
      agents.maxLifetimeSeconds > secondsADay &&
      warn(
        ["agents", "maxLifetimeSeconds"],
        "is more than a day: a host that is to be replaced waits for its agents for two days at most, last job included",
      ),
  ].filter((warning) => warning !== false);
}

/** @param address what agents must reach outside, if anything */
function networkWarnings(network: NetworkConfig, mostAgents: number, address: string | undefined): Explanation[] {
  if (!("create" in network)) return [];
  const room = agentAddresses(network.create);
  return [
    mostAgents > room &&
      warn(
        ["network", "create", "cidr"],
        `has room for ${room} agents, fewer than agents.max (${mostAgents}): take a larger range`,
      ),
    network.create.egress === "endpoints-only" &&
      address !== undefined &&
      warn(["network", "create", "egress"], `is endpoints-only: agents cannot reach ${address} to register`),
  ].filter((warning) => warning !== false);
}

/** @param needed what the fleet calls in its network, besides what is there by default */
function endpointWarnings(network: NetworkConfig, needed: readonly Endpoint[]): Explanation[] {
  if (!("create" in network) || network.create.egress !== "endpoints-only") return [];
  const there = endpointsOf(network.create);
  const missing = needed.filter((endpoint) => !there.includes(endpoint));
  if (missing.length === 0) return [];
  return [
    warn(["network", "create", "endpoints"], `lacks ${missing.join(", ")}, which this fleet calls from its network`),
  ];
}

function endpointsOfInstances({ loop, vendor }: Ec2FleetConfig): Endpoint[] {
  const semaphore = vendor.type === "semaphore";
  return [
    "sqs",
    ...(loop.inNetwork ? (["autoscaling", "ec2", "states"] as const) : []),
    ...(loop.inNetwork && semaphore ? (["ssm"] as const) : []),
  ];
}

function endpointsOfContainers({ loop, vendor }: EcsFleetConfig): Endpoint[] {
  if (!loop.inNetwork) return [];
  return [
    "ecs",
    ...(vendor.type === "azure-devops" ? (["states"] as const) : []),
    ...(vendor.type === "hcp-terraform" && vendor.manage?.runTask ? (["lambda"] as const) : []),
    ...(vendor.type === "hcp-terraform" && vendor.demand === "notifications" ? (["dynamodb"] as const) : []),
  ];
}

/** The vendor's public address, where its agents need it. */
function publicAddressOf(vendor: EcsFleetConfig["vendor"] | Ec2FleetConfig["vendor"]): string | undefined {
  switch (vendor.type) {
    case "azure-devops":
      return vendor.organization && "https://dev.azure.com";
    case "hcp-terraform":
      return vendor.address === publicAddress ? publicAddress : undefined;
    case "semaphore":
      return vendor.organization && `https://${vendor.organization}.semaphoreci.com`;
    case "spacelift":
      return vendor.selfHosted ? undefined : vendor.endpoint;
  }
}

function hcpTerraformWarnings({ agents, compute, secrets }: EcsFleetConfig, vendor: HcpTerraformConfig) {
  const told = vendor.demand === "notifications";
  const upstream =
    typeof compute.image !== "string" || /^(?:docker\.io\/)?hashicorp\/tfc-agent[:@]/.test(compute.image);
  return [
    compute.readonlyRootFilesystem &&
      compute.capacityProvider === undefined &&
      upstream &&
      warn(
        ["compute", "readonlyRootFilesystem"],
        "is true: on Fargate the image must declare the folders that agents write to by VOLUME, and hashicorp/tfc-agent does not",
      ),
    compute.memoryMiB < tfcAgentMinimumMiB &&
      warn(
        ["compute", "memoryMiB"],
        `${compute.memoryMiB} is below tfc-agent's documented minimum of ${tfcAgentMinimumMiB}: jobs may be killed for want of memory`,
      ),
    !agents.singleUse &&
      agents.idleTimeoutSeconds === 0 &&
      warn(
        ["agents", "idleTimeoutSeconds"],
        "is 0 while agents are not single-use: they leave only at maxLifetimeSeconds",
      ),
    told &&
      secrets.apiToken !== undefined &&
      warn(["secrets", "apiToken"], "is not used: with demand `notifications` nothing reads the API"),
    told &&
      agents.min === 0 &&
      (typeof agents.buffer !== "number" || agents.buffer === 0) &&
      !vendor.manage?.runTask?.stages.includes("pre_apply") &&
      warn(
        ["agents", "min"],
        "is 0 with demand `notifications`: no notification tells that an apply was confirmed, so keep an agent for it " +
          "or let vendor.manage.runTask tell before applies",
      ),
  ];
}

function warn(path: readonly string[], message: string): Explanation {
  return { path, message, about: "key" };
}
