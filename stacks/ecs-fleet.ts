import { ArchiveProvider } from "@cdktf/provider-archive/lib/provider";
import type { Construct } from "constructs";
import { BaseStack } from "./base-stack.ts";
import { imageBuild } from "./config/compute/image-build.ts";
import { type EcsFleetConfig, networkOf } from "./config/ecs-fleet.ts";
import { computeOf, type PoolConfig } from "./config/pools.ts";
import { ImageBuild } from "./constructs/agent-image/build.ts";
import { ImageRepository } from "./constructs/agent-image/repository.ts";
import { fleetNetwork } from "./constructs/network/fleet-network.ts";
import type { AgentImage, AgentTask } from "./constructs/tasks/agent-containers.ts";
import { ConsumerRoles } from "./constructs/tasks/consumer-roles.ts";
import { EcsCapacity } from "./constructs/tasks/ecs-capacity.ts";
import { allowImagePull } from "./constructs/tasks/task-rights.ts";
import { createFleetSecrets, FleetControl, type FleetPool } from "./fleet-control.ts";
import { containerVendor } from "./vendors/index.ts";

/** `kind: ecs-fleet`: one vendor's agents as standalone ECS tasks, and the loop that scales them. */
export class EcsFleetStack extends BaseStack<EcsFleetConfig> {
  private readonly vendor = containerVendor(this.config);

  constructor(scope: Construct, name: string, config: EcsFleetConfig) {
    super(scope, name, config);
    const { context, vendor } = this;
    new ArchiveProvider(this, "archive");
    const network = fleetNetwork(this, networkOf(config), context);
    const secrets = createFleetSecrets(this, { context, config, vendor });
    const recipe = this.recipe();
    const repository = recipe && new ImageRepository(this, "image", { context, ...recipe.config });
    const capacity = new EcsCapacity(this, "capacity", {
      context,
      compute: config.compute,
      network,
      tasks: (config.pools ?? [undefined]).map(
        (pool): AgentTask => ({
          pool: pool?.key,
          compute: computeOf(config.compute, pool),
          image: this.imageOf(pool, repository),
          agent: vendor.container(secrets, pool),
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
      capacity,
      secrets,
      network,
      renewal:
        vendor.departure === "by-retirement" ? { maxLifetimeSeconds: config.agents.maxLifetimeSeconds } : undefined,
      pools: config.pools?.map((pool) => this.poolOf(pool, capacity)),
    });
    if (recipe && repository) {
      const { architecture } = config.compute;
      new ImageBuild(this, "image-build", { context, ...recipe, architecture, repository, topic });
    }

    const [firstConsumerRole] = Object.values(consumers.arns);
    this.output("cluster_name", capacity.clusterName);
    this.output("vpc_id", network.vpcId);
    this.output("task_role", capacity.taskRole.arn);
    this.output("image_repository", repository?.versions);
    this.output("terraform_dev_role", firstConsumerRole);
    this.output("consumer_roles", config.consumerRoles.length > 0 ? consumers.arns : undefined);
    for (const [name, value] of Object.entries(outputs)) this.output(name, value);
  }

  /** How the stack builds its agents' image; `undefined`: it is somebody else's. */
  private recipe() {
    const { image } = this.config.compute;
    const { defaultImage } = this.vendor;
    if (typeof image === "string" || typeof defaultImage === "string") return undefined;
    return { folder: defaultImage.build, config: image?.build ?? imageBuild.parse({}) };
  }

  private imageOf(pool: PoolConfig | undefined, repository: ImageRepository | undefined): AgentImage {
    const { context, config, vendor } = this;
    const named = pool?.compute.image ?? config.compute.image ?? vendor.defaultImage;
    if (typeof named === "string") return { uri: named, grantPull: (role) => allowImagePull(role, named, context) };
    if (!repository) throw new Error("an image that is built has a repository");
    return { uri: repository.current, grantPull: (role) => repository.grantPull(role) };
  }

  private poolOf(pool: PoolConfig, capacity: EcsCapacity): FleetPool {
    const { key, min, max, buffer } = pool;
    return {
      pool: key,
      policy: { min, max, buffer },
      vendor: { ...this.vendor.poolRuntime?.(pool) },
      capacity: { ...capacity.poolConfigs[key] },
    };
  }
}
