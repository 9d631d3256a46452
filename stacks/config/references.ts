import { mostOf } from "./compute/instances.ts";
import type { EcsClusterConfig } from "./ecs-cluster.ts";
import type { EcsFleetConfig } from "./ecs-fleet.ts";
import type { NetworkConfig } from "./network/network.ts";
import { machinesOf } from "./pools.ts";
import { type Explanation, warning } from "./reading/explain.ts";
import { nearest } from "./reading/nearest.ts";
import type { StackConfig } from "./schema.ts";

/** A place in a stack's config that names another stack. */
interface Reference {
  readonly path: readonly string[];
  /** The other stack's name. */
  readonly stack: string;
  /** Whether the other stack's config is in another folder. */
  readonly elsewhere: boolean;
  /** The kind that the other stack must have. */
  readonly kind: StackConfig["kind"];
}

interface NamedStack {
  readonly name: string;
  readonly config: StackConfig;
}

/** The stacks that a stack depends on, in its folder and elsewhere. */
export function referencesOf(config: StackConfig): readonly Reference[] {
  if (config.kind === "network") return [];
  const { network } = config;
  const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
  const ami = config.kind === "ec2-fleet" ? config.compute.ami : undefined;
  const references: readonly (readonly [
    path: readonly string[],
    target: object | undefined,
    kind: Reference["kind"],
  ])[] = [
    [["network"], network, "network"],
    [["compute", "capacityProvider"], hosts, "ecs-cluster"],
    [["compute", "ami"], ami, "machine-image"],
  ];
  return references.flatMap(([path, target, kind]) =>
    target && isReference(target)
      ? [{ path: [...path, "stack"], stack: target.stack, elsewhere: target.elsewhere, kind }]
      : [],
  );
}

/** Whether a part of a config names another stack, where it may also name a resource of AWS. */
function isReference(part: object): part is { readonly stack: string; readonly elsewhere: boolean } {
  return "stack" in part;
}

/**
 * Errors in a stack's references to other stacks. Stacks that are said to be elsewhere are not checked.
 *
 * @param stacks the stacks whose configs are known and valid
 * @param neighbours names of all stacks in the stack's folder
 */
export function explainReferences(
  config: StackConfig,
  stacks: readonly NamedStack[],
  neighbours: readonly string[],
): Explanation[] {
  const wrong = referencesOf(config).flatMap((reference) => {
    const target = stacks.find(({ name }) => name === reference.stack);
    const misplaced = explainPlace(reference, neighbours);
    if (misplaced) return [misplaced];
    const message = target && mismatch(config, reference, target);
    return message === undefined ? [] : [{ path: reference.path, message, about: "value" as const }];
  });
  return wrong.length > 0 ? wrong : [...explainHosts(config, stacks), ...explainImage(config, stacks)];
}

function explainPlace({ path, stack, elsewhere }: Reference, neighbours: readonly string[]): Explanation | undefined {
  const isHere = neighbours.includes(stack);
  if (isHere !== elsewhere) return undefined;
  if (isHere) {
    const message = `must be left out: ${stack} is in this folder`;
    return { path: path.with(-1, "elsewhere"), message, about: "key" };
  }
  const guess = nearest(stack, neighbours);
  const message =
    `there is no stack ${stack} in this folder${guess ? `, did you mean ${guess}?` : "."} ` +
    "If its config is in another folder, add elsewhere: true beside it";
  return { path, message, about: "key" };
}

function mismatch(config: StackConfig, { kind }: Reference, target: NamedStack): string | undefined {
  const { name, config: found } = target;
  if (found.kind !== kind) return `must be a stack of kind ${kind}, but ${name} is of kind ${found.kind}`;
  if (found.region === config.region) return undefined;
  return `must be in this stack's region, ${config.region}, but ${name} is in ${found.region}`;
}

/** On a smaller disk, images and the work of a few agents soon fill a host. The AMI takes a part of it, too. */
const roomyDiskGiB = 50;

/** Warnings between a stack and the stacks of its folder: those that it depends on, that depend on it or share with it. */
export function referenceWarnings(config: StackConfig, stacks: readonly NamedStack[]): Explanation[] {
  if (config.kind === "ecs-cluster") return hostWarnings(config, stacks);
  if (config.kind === "ec2-fleet") return cacheWarnings(config, stacks);
  const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
  if (!hosts || !("stack" in hosts)) return [];
  const cluster = stacks.find(({ name }) => name === hosts.stack)?.config;
  if (cluster?.kind !== "ecs-cluster" || cluster.hosts.volume.sizeGiB >= roomyDiskGiB) return [];
  return [
    warning(
      ["compute", "capacityProvider", "stack"],
      `is ${hosts.stack}, whose hosts have disks of ${cluster.hosts.volume.sizeGiB} GiB for all their agents' images ` +
        `and work: set its hosts.volume.sizeGiB to ${roomyDiskGiB} or more`,
    ),
  ];
}

/** Fleets are trust boundaries. A bucket that two of them write is a way from one into the other. */
function cacheWarnings(config: StackConfig, stacks: readonly NamedStack[]): Explanation[] {
  const bucket = cacheOf(config);
  if (bucket === undefined) return [];
  const others = stacks.filter((stack) => stack.config !== config && cacheOf(stack.config) === bucket);
  if (others.length === 0) return [];
  return [
    warning(
      ["vendor", "cacheBucket"],
      `is also the cache of ${others.map(({ name }) => name).join(", ")}: jobs of one fleet can change what jobs of ` +
        "another restore and run. Use one bucket per trust boundary",
    ),
  ];
}

function cacheOf(config: StackConfig): string | undefined {
  return config.kind === "ec2-fleet" && config.vendor.type === "semaphore" ? config.vendor.cacheBucket : undefined;
}

/** Whether the hosts of a cluster, as large and as many as they may be, can hold all agents of the folder's fleets on them. */
function hostWarnings(cluster: EcsClusterConfig, stacks: readonly NamedStack[]): Explanation[] {
  const own = stacks.find(({ config }) => config === cluster)?.name;
  const fleets = stacks.flatMap(({ name, config }) => {
    const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
    return config.kind === "ecs-fleet" && hosts && "stack" in hosts && hosts.stack === own ? [{ name, config }] : [];
  });
  const { max, instances } = cluster.hosts;
  const [perHost, needed] = [mostOf(instances), neededBy(fleets.map(({ config }) => config))];
  const short = (["vcpus", "memoryMiB"] as const).find((what) => needed[what] > max * perHost[what]);
  if (short === undefined) return [];
  const unit = { vcpus: "vCPU", memoryMiB: "MiB of memory" }[short];
  return [
    warning(
      ["hosts", "max"],
      `is ${max}: so many hosts have at most ${max * perHost[short]} ${unit}, and all agents of ` +
        `${fleets.map(({ name }) => name).join(", ")} (agents.max) need ${needed[short]}. Agents without room wait`,
    ),
  ];
}

/** What all agents of some fleets need together. */
function neededBy(fleets: readonly EcsFleetConfig[]): { readonly vcpus: number; readonly memoryMiB: number } {
  const machines = fleets.flatMap(machinesOf);
  return {
    vcpus: machines.reduce((sum, { max, cpu }) => sum + (max * cpu) / 1024, 0),
    memoryMiB: machines.reduce((sum, { max, memoryMiB }) => sum + max * memoryMiB, 0),
  };
}

/** Errors between a fleet and the network of its hosts. */
function explainHosts(config: StackConfig, stacks: readonly NamedStack[]): Explanation[] {
  const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
  if (config.kind !== "ecs-fleet" || !hosts) return [];
  const configOf = (name: string) => stacks.find((stack) => stack.name === name)?.config;
  const cluster = "stack" in hosts ? configOf(hosts.stack) : undefined;
  const theirs = cluster?.kind === "ecs-cluster" ? cluster.network : undefined;
  if ("stack" in hosts && config.network && theirs && areOther(config.network, theirs)) {
    const message = `must be left out or be the network of the hosts of ${hosts.stack}: agents are in the VPC of their host`;
    return [{ path: ["network"], message, about: "key" }];
  }
  const network = config.network ?? theirs;
  const shared = network && "stack" in network ? configOf(network.stack) : undefined;
  const egress = shared?.kind === "network" ? shared.egress : network && "create" in network && network.create.egress;
  if (egress !== "public-ip" && !(network && "assignPublicIp" in network && network.assignPublicIp)) return [];
  const message =
    "must be on a network with NAT or endpoints: tasks on EC2 get no public IP, so they cannot leave this network";
  return [{ path: ["compute", "capacityProvider"], message, about: "key" }];
}

/** Errors between a fleet and the image of its instances. */
function explainImage(config: StackConfig, stacks: readonly NamedStack[]): Explanation[] {
  const ami = config.kind === "ec2-fleet" ? config.compute.ami : undefined;
  if (config.kind !== "ec2-fleet" || !ami || !("stack" in ami)) return [];
  const image = stacks.find(({ name }) => name === ami.stack)?.config;
  if (image?.kind !== "machine-image") return [];
  const { architecture, volume } = config.compute;
  const { vendor } = config;
  const baked = vendor.type === "semaphore" && image.vendor ? { image: image.vendor, fleet: vendor } : undefined;
  const wrong = (path: readonly string[], message: string) => ({ path, message, about: "value" as const });
  return [
    image.architecture !== architecture &&
      wrong(
        ["compute", "ami", "stack"],
        `must be built for ${architecture}, but ${ami.stack} is for ${image.architecture}`,
      ),
    image.volume.sizeGiB > volume.sizeGiB &&
      wrong(
        ["compute", "volume", "sizeGiB"],
        `must be at least ${image.volume.sizeGiB}, the size of the image ${ami.stack}`,
      ),
    image.volume.deviceName !== undefined &&
      volume.deviceName !== undefined &&
      image.volume.deviceName !== volume.deviceName &&
      wrong(["compute", "volume", "deviceName"], `must be ${image.volume.deviceName}, as in the image ${ami.stack}`),
    baked !== undefined &&
      baked.image.agent.version !== baked.fleet.agent.version &&
      wrong(
        ["vendor", "agent", "version"],
        `must be ${baked.image.agent.version}, which the image ${ami.stack} brings: change it there, and build it`,
      ),
    baked !== undefined &&
      baked.image.user !== baked.fleet.user &&
      wrong(["vendor", "user"], `must be ${baked.image.user}, whose home in the image ${ami.stack} has the toolbox`),
  ].filter((explanation) => explanation !== false);
}

/** Whether two networks certainly differ. An id and a stack's name cannot be compared. */
function areOther(one: NetworkConfig, other: NetworkConfig): boolean {
  if ("stack" in one) return "create" in other || ("stack" in other && one.stack !== other.stack);
  return "vpcId" in one && "vpcId" in other && one.vpcId !== other.vpcId;
}
