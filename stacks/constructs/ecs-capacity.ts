import { DataAwsEcsCluster } from "@cdktf/provider-aws/lib/data-aws-ecs-cluster";
import { EcsCluster } from "@cdktf/provider-aws/lib/ecs-cluster";
import { EcsClusterCapacityProviders } from "@cdktf/provider-aws/lib/ecs-cluster-capacity-providers";
import { EcsTaskDefinition } from "@cdktf/provider-aws/lib/ecs-task-definition";
import { Construct } from "constructs";
import type { EcsCapacityConfig } from "../../handlers/aws/ecs-capacity-config.ts";
import type { ComputeConfig } from "../config/compute.ts";
import { hostsOf } from "../config/names.ts";
import type { FleetNetwork } from "./fleet-network.ts";
import { createLogGroup, grantLogWrite } from "./log-group.ts";
import type { Secret } from "./secret.ts";
import { ServiceRole } from "./service-role.ts";
import { arnOf, type StackContext } from "./stack-context.ts";
import { allowExecuteCommand, allowImagePull, sortedVariables } from "./task-rights.ts";

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
const stopTimeoutSeconds = 120;
const container = "agent";

/** How a vendor's agent runs in a container: what its module in `stacks/vendors` tells. */
export interface AgentContainer {
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Secret per environment variable, injected by ECS. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Variable that carries the agent's name; set per task. */
  readonly nameVariable: string;
  /** Folders the agent must be able to write when its root file system is read-only. */
  readonly writableFolders: readonly string[];
}

/** Standalone ECS tasks on Fargate, or on a cluster's hosts, as a fleet's capacity: cluster, task definition, its two roles and its log. */
export class EcsCapacity extends Construct {
  /** What the loop needs to launch and watch tasks. */
  readonly config: EcsCapacityConfig;
  readonly clusterName: string;
  /** What jobs on the agents may do. */
  readonly taskRole: ServiceRole;
  private readonly executionRole: ServiceRole;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly compute: ComputeConfig;
      readonly network: FleetNetwork;
      readonly agent: AgentContainer;
    },
  ) {
    super(scope, id);
    const { context, compute, network, agent } = props;
    const cluster = this.cluster();
    this.clusterName = cluster.name;
    const trustCondition = { StringEquals: { "aws:SourceAccount": context.accountId } };
    this.executionRole = new ServiceRole(this, "execution", {
      context,
      service: "ecs-tasks.amazonaws.com",
      description: `Starts the agents of fleet ${context.name}`,
      trustCondition,
    });
    this.taskRole = new ServiceRole(this, "task", {
      context,
      service: "ecs-tasks.amazonaws.com",
      description: `What jobs on the agents of fleet ${context.name} may do`,
      trustCondition,
    });
    if (compute.enableExecuteCommand) allowExecuteCommand(this.taskRole);
    for (const secret of Object.values(agent.secrets)) secret.grantRead(this.executionRole);
    allowImagePull(this.executionRole, compute.image, context);

    const taskDefinition = this.taskDefinition();
    this.config = {
      cluster: cluster.arn,
      family: taskDefinition.family,
      taskDefinition: taskDefinition.arn,
      container,
      capacityProviders: capacityProvidersOf(compute),
      subnets: [network.joinedSubnetIds],
      securityGroups: [...network.securityGroupIds],
      // Tasks on EC2 hosts cannot have one.
      assignPublicIp: compute.capacityProvider ? "false" : network.assignPublicIp,
      enableExecuteCommand: compute.enableExecuteCommand,
      nameVariable: agent.nameVariable,
    };
  }

  /** Lets the loop launch, watch and stop tasks of this family in this cluster, and nothing else. */
  grantOperate(role: ServiceRole): void {
    const { context } = this.props;
    const inCluster = { ArnEquals: { "ecs:cluster": this.config.cluster } };
    const tasks = arnOf(context, "ecs", `task/${this.clusterName}/*`);
    role.allow({
      actions: ["ecs:RunTask"],
      resources: [arnOf(context, "ecs", `task-definition/${context.name}:*`)],
      condition: inCluster,
    });
    role.allow({ actions: ["ecs:DescribeTasks", "ecs:StopTask"], resources: [tasks], condition: inCluster });
    role.allow({
      actions: ["ecs:TagResource"],
      resources: [tasks],
      condition: { StringEquals: { "ecs:CreateAction": "RunTask" } },
    });
    // ListTasks knows no resource of its own but container instances, which are not ours.
    role.allow({ actions: ["ecs:ListTasks"], resources: ["*"], condition: inCluster });
    role.allow({
      actions: ["iam:PassRole"],
      resources: [this.executionRole.arn, this.taskRole.arn],
      condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
  }

  private cluster(): { readonly name: string; readonly arn: string } {
    const { context, compute } = this.props;
    const hosts = compute.capacityProvider;
    const name = hosts && "stack" in hosts ? hosts.stack : compute.cluster?.name;
    if (name !== undefined) {
      return { name, arn: new DataAwsEcsCluster(this, "cluster", { clusterName: name }).arn };
    }
    const cluster = new EcsCluster(this, "cluster", {
      name: context.name,
      setting: [{ name: "containerInsights", value: compute.containerInsights ? "enabled" : "disabled" }],
    });
    new EcsClusterCapacityProviders(this, "capacity-providers", {
      clusterName: cluster.name,
      capacityProviders: ["FARGATE", "FARGATE_SPOT"],
    });
    return { name: context.name, arn: cluster.arn };
  }

  private taskDefinition(): EcsTaskDefinition {
    const { context, compute, agent } = this.props;
    const logGroup = createLogGroup(this, "agent-logs", context, `/agent-fleets/${context.name}/agents`);
    grantLogWrite(logGroup, this.executionRole);
    const folders = compute.readonlyRootFilesystem ? agent.writableFolders : [];
    const volumes = folders.map((containerPath, index) => ({ name: `writable-${index}`, containerPath }));
    return new EcsTaskDefinition(this, "task-definition", {
      family: context.name,
      requiresCompatibilities: [compute.capacityProvider ? "EC2" : "FARGATE"],
      networkMode: "awsvpc",
      cpu: String(compute.cpu),
      memory: String(compute.memoryMiB),
      runtimePlatform: {
        operatingSystemFamily: "LINUX",
        cpuArchitecture: compute.architecture === "arm64" ? "ARM64" : "X86_64",
      },
      ephemeralStorage: compute.ephemeralStorageGiB ? { sizeInGib: compute.ephemeralStorageGiB } : undefined,
      executionRoleArn: this.executionRole.arn,
      taskRoleArn: this.taskRole.arn,
      volume: volumes.map(({ name }) => ({ name })),
      // A running loop may launch the old revision until its environment names the new one.
      lifecycle: { createBeforeDestroy: true },
      containerDefinitions: JSON.stringify([
        {
          name: container,
          image: compute.image,
          essential: true,
          entryPoint: agent.entryPoint,
          command: agent.command,
          environment: sortedVariables({ ...compute.environment, ...agent.environment }),
          secrets: Object.entries(agent.secrets).map(([name, secret]) => ({ name, valueFrom: secret.arn })),
          readonlyRootFilesystem: compute.readonlyRootFilesystem,
          mountPoints: volumes.map(({ name, containerPath }) => ({
            sourceVolume: name,
            containerPath,
            readOnly: false,
          })),
          linuxParameters: { initProcessEnabled: true },
          stopTimeout: stopTimeoutSeconds,
          logConfiguration: {
            logDriver: "awslogs",
            options: {
              "awslogs-group": logGroup.name,
              "awslogs-region": context.region,
              "awslogs-stream-prefix": "agent",
            },
          },
        },
      ]),
    });
  }
}

/** In the order in which they are tried. */
function capacityProvidersOf({ capacityProvider: hosts, spot }: ComputeConfig): string[] {
  if (hosts) return ["stack" in hosts ? hostsOf(hosts.stack) : hosts.name];
  return spot ? ["FARGATE_SPOT", "FARGATE"] : ["FARGATE"];
}
