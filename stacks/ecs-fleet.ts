import type { Construct } from "constructs";
import { ArchiveProvider } from "#provider-archive/provider";
import { agentPrice } from "../scripts/prices/compute.ts";
import { BaseStack } from "./base-stack.ts";
import type { ComputeConfig } from "./config/compute/compute.ts";
import { imageBuild } from "./config/compute/image-build.ts";
import { type EcsFleetConfig, networkOf } from "./config/ecs-fleet.ts";
import { nextSteps } from "./config/next-steps.ts";
import { agentsOf, computeOf, type PoolConfig } from "./config/pools.ts";
import { ImageBuild } from "./constructs/agent-image/build.ts";
import { ImageRepository } from "./constructs/agent-image/repository.ts";
import type { AlarmTopic } from "./constructs/alarms/alarm-topic.ts";
import { fleetNetwork } from "./constructs/network/fleet-network.ts";
import type { StackContext } from "./constructs/stack-context.ts";
import type { AgentContainer, AgentImage, AgentTask, ContainerOutbound } from "./constructs/tasks/agent-containers.ts";
import { ConsumerRoles } from "./constructs/tasks/consumer-roles.ts";
import { EcsCapacity } from "./constructs/tasks/ecs-capacity.ts";
import { allowImagePull, imageDateGrant } from "./constructs/tasks/task-rights.ts";
import type { Escaped } from "./constructs/terraform-text.ts";
import { FleetControl, type FleetPool } from "./fleet-control.ts";
import { FleetSecrets } from "./vendors/fleet-secrets.ts";
import { vendorSynth } from "./vendors/index.ts";
import { outboundOf } from "./vendors/outbound.ts";
import type { ContainerVendor } from "./vendors/vendor-synth.ts";

/** `kind: ecs-fleet`: one vendor's agents as standalone ECS tasks, and the loop that scales them. */
export class EcsFleetStack extends BaseStack<Escaped<EcsFleetConfig>> {
  constructor(scope: Construct, name: string, config: Escaped<EcsFleetConfig>) {
    super(scope, name, config);
    const { context } = this;
    new ArchiveProvider(this, "archive");
    const network = fleetNetwork(this, networkOf(config), context, "tasks");
    const secrets = new FleetSecrets(this, { context, config });
    const vendor = vendorSynth(config.vendor.type, config, (...secret) => secrets.make(...secret), name);
    const outbound = outboundOf(this, config, context);
    const image = this.image(vendor);
    const capacity = new EcsCapacity(this, "capacity", {
      context,
      compute: config.compute,
      network,
      tasks: (config.pools ?? [undefined]).map(
        (pool): AgentTask => ({
          pool: pool?.key,
          compute: computeOf(config.compute, pool),
          image: pool?.compute.image === undefined ? image : published(pool.compute.image, context, config.compute),
          agent: withOutbound((script) => vendor.container(pool, script), outbound.container),
        }),
      ),
    });
    const consumers = new ConsumerRoles(this, "consumer", {
      context,
      taskRole: capacity.taskRole,
      roles: config.consumerRoles,
    });
    const { outputs, topic } = new FleetControl(this, {
      context,
      config,
      vendor,
      outbound,
      capacity,
      secrets,
      network,
      price: agentPrice({ kind: "task", compute: config.compute }),
      renewal:
        vendor.departure === "by-retirement" ? { maxLifetimeSeconds: config.agents.maxLifetimeSeconds } : undefined,
      pools: config.pools?.map((pool) => ({
        ...poolOf(pool, config, capacity, vendor),
        price: agentPrice({ kind: "task", compute: computeOf(config.compute, pool) }),
      })),
    });
    image.built?.by(topic);

    const [firstConsumerRole] = Object.values(consumers.arns);
    this.output("cluster_name", capacity.clusterName);
    this.output("vpc_id", network.vpcId);
    this.output("agent_security_group_ids", network.securityGroupIds);
    this.output("task_role", capacity.taskRole.arn);
    this.output("image_repository", image.built?.versions);
    this.output("terraform_dev_role", firstConsumerRole);
    this.output("consumer_roles", config.consumerRoles.length > 0 ? consumers.arns : undefined);
    for (const [output, value] of Object.entries(outputs)) this.output(output, value);
    this.output("next_steps", nextSteps(name, { buildsImage: image.built !== undefined }));
  }

  /** The image of pools without their own image: a published one, or one that the stack builds. */
  private image(vendor: ContainerVendor): AgentImage & { readonly built?: BuiltImage } {
    const { context } = this;
    const { image: named, architecture, createCacheRepository } = this.config.compute;
    const { defaultImage } = vendor;
    if (typeof named === "string") return published(named, context, this.config.compute);
    if (typeof defaultImage === "string") return published(defaultImage, context, this.config.compute);
    const config = named?.build ?? imageBuild.parse({});
    const repository = new ImageRepository(this, "image", { context, ...config });
    return {
      uri: repository.current,
      grantPull: (role) => repository.grantPull(role),
      grantDate: (role) => repository.grantDate(role),
      built: {
        versions: repository.versions,
        by: (topic) => {
          const folder = defaultImage.build;
          new ImageBuild(this, "image-build", {
            context,
            folder,
            config,
            architecture,
            createCacheRepository,
            repository,
            topic,
          });
        },
      },
    };
  }
}

/** An image that the stack builds. */
interface BuiltImage {
  /** Its repository, as an output. */
  readonly versions: string;
  /** Makes the build's resources. @param topic gets alarms about failed builds */
  by(topic: AlarmTopic): void;
}

/** An agent's container with the way out that the fleet needs. */
function withOutbound(
  container: (script: ContainerOutbound["script"] | undefined) => AgentContainer,
  outbound: ContainerOutbound | undefined,
): AgentContainer {
  const agent = container(outbound?.script);
  const { environment, secrets } = agent;
  return {
    ...agent,
    environment: { ...environment, ...outbound?.environment },
    secrets: { ...secrets, ...outbound?.secrets },
  };
}

function published(
  uri: string,
  context: StackContext,
  compute: Pick<Escaped<ComputeConfig>, "createCacheRepository">,
): AgentImage {
  return {
    uri,
    grantPull: (role) => allowImagePull(role, uri, context, compute),
    grantDate: imageDateGrant(uri, context),
  };
}

function poolOf(
  pool: Escaped<PoolConfig>,
  { agents }: Pick<Escaped<EcsFleetConfig>, "agents">,
  capacity: EcsCapacity,
  vendor: ContainerVendor,
): Omit<FleetPool, "price"> {
  const { key } = pool;
  const { min, max, buffer, schedule } = agentsOf(agents, pool);
  return {
    pool: key,
    policy: { min, max, buffer, schedule },
    vendor: { ...vendor.poolRuntime?.(pool) },
    capacity: { ...capacity.poolConfigs[key] },
  };
}
