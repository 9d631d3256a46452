import { Construct } from "constructs";
import { type TerraformResource, Token } from "#cdktf";
import type { CloudwatchLogGroup } from "#provider-aws/cloudwatch-log-group";
import { DataAwsEcsCluster } from "#provider-aws/data-aws-ecs-cluster";
import { EcsCluster } from "#provider-aws/ecs-cluster";
import { EcsClusterCapacityProviders } from "#provider-aws/ecs-cluster-capacity-providers";
import { EcsTaskDefinition } from "#provider-aws/ecs-task-definition";
import { registeredTag } from "../../../handlers/lib/settings/asg-capacity.ts";
import type { EcsCapacityConfig } from "../../../handlers/lib/settings/ecs-capacity.ts";
import type { ComputeConfig } from "../../config/compute/compute.ts";
import { fleetTag, hostsOf } from "../../config/names.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { destroyBefore } from "../destroy-order.ts";
import { createLogGroup, grantLogWrite, logGroupName } from "../log-group.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { RetiringCapacity } from "../retirement/retiring-capacity.ts";
import { ServiceRole } from "../service-role.ts";
import { allowSessionsOn } from "../sessions.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import type { Statement } from "../statement.ts";
import { type AgentTask, agentContainer, agentContainers } from "./agent-containers.ts";
import { allowExecuteCommand, allowImagePull, allowSecret } from "./task-rights.ts";
import { allowVolumes } from "./task-volumes.ts";

/**
 * Standalone ECS tasks on Fargate, or on a cluster's hosts, as a fleet's capacity: cluster, task definitions, two roles
 * and a log group.
 */
export class EcsCapacity extends Construct {
  /** The loop's settings to launch and watch tasks. */
  readonly config: EcsCapacityConfig;
  /** The differences of each pool from {@link config}. */
  readonly poolConfigs: Readonly<Record<string, Partial<EcsCapacityConfig>>>;
  readonly clusterName: string;
  /** The retirement workflow's settings to stop tasks. */
  readonly retiring: RetiringCapacity;
  /** The role of jobs on the agents. */
  readonly taskRole: ServiceRole;
  private own: { readonly cluster: EcsCluster; readonly providers: EcsClusterCapacityProviders } | undefined;
  private readonly executionRole: ServiceRole;
  private readonly logGroup: CloudwatchLogGroup;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly compute: ComputeConfig;
      readonly network: FleetNetwork;
      /** At least one. */
      readonly tasks: readonly AgentTask[];
    },
  ) {
    super(scope, id);
    const { context, compute, network, tasks } = props;
    const cluster = this.cluster();
    this.clusterName = cluster.name;
    this.retiring = {
      type: "ecs",
      cluster: cluster.arn,
      tasks: this.taskArns(),
      taskCondition: this.ownTasks(cluster.arn),
      taskDefinitions: this.taskDefinitionArns(),
    };
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
    if (compute.enableExecuteCommand) this.allowSessions(compute);
    this.logGroup = createLogGroup(this, "agent-logs", context, logGroupName(context.name, "agents"));
    grantLogWrite(this.logGroup, this.executionRole);
    for (const task of tasks) this.grantStart(task);
    allowVolumes(this.taskRole, compute.volumes, context);

    const own = tasks.map((task) => ({ task, config: this.configOf(task) }));
    const [first] = own;
    if (!first) throw new Error("a fleet has at least one pool");
    this.poolConfigs = Object.fromEntries(
      own.flatMap(({ task, config }) =>
        task.pool === undefined ? [] : [[task.pool, differences(config, first.config)]],
      ),
    );
    this.config = {
      type: "ecs",
      cluster: cluster.arn,
      ...first.config,
      container: agentContainer,
      subnets: [network.joinedSubnetIds],
      securityGroups: [...network.securityGroupIds],
      // Tasks on EC2 hosts cannot have a public IP.
      assignPublicIp: compute.capacityProvider ? "false" : network.assignPublicIp,
      enableExecuteCommand: compute.enableExecuteCommand,
      nameVariable: first.task.agent.nameVariable,
    };
  }

  private allowSessions({ capacityProvider: hosts }: ComputeConfig): void {
    allowExecuteCommand(this.taskRole);
    if (hosts && "stack" in hosts) allowSessionsOn(hosts.stack, this.taskRole, this.props.context);
  }

  private grantStart({ agent, image }: AgentTask): void {
    const { context, compute } = this.props;
    const { executionRole } = this;
    for (const secret of Object.values(agent.secrets)) secret.grantRead(executionRole, "ecs");
    image.grantPull(executionRole);
    for (const sidecar of compute.sidecars) allowImagePull(executionRole, sidecar.image, context, compute);
    const references = [compute, ...compute.sidecars].flatMap(({ secrets, repositoryCredentialsArn: registry }) => [
      ...Object.values(secrets),
      ...(registry === undefined ? [] : [registry]),
    ]);
    for (const reference of references) allowSecret(executionRole, reference);
    if (references.length > 0) executionRole.allowKey(context, ["kms:Decrypt"]);
  }

  private configOf(task: AgentTask): Pick<EcsCapacityConfig, "taskDefinition" | "capacityProviders" | "image"> {
    const taskDefinition = `${this.familyOf(task)}:${Token.asString(this.taskDefinition(task).revision)}`;
    const capacityProviders = capacityProvidersOf(task.compute);
    const isAnyDated = this.props.tasks.some(({ image }) => image.grantDate);
    // A pool has what it does not name from the others.
    return {
      taskDefinition,
      capacityProviders,
      ...(isAnyDated && { image: task.image.grantDate ? task.image.uri : "" }),
    };
  }

  /** Lets the loop launch, watch, stop and mark tasks of this family in this cluster, and nothing else. */
  grantOperate(role: ServiceRole): void {
    const { cluster } = this.config;
    const inCluster = { ArnEquals: { "ecs:cluster": cluster } };
    const tasks = this.taskArns();
    role.allow({ actions: ["ecs:RunTask"], resources: this.taskDefinitionArns(), condition: inCluster });
    role.allow({
      actions: ["ecs:DescribeTasks", "ecs:StopTask"],
      resources: [tasks],
      condition: this.ownTasks(cluster),
    });
    role.allow({
      actions: ["ecs:TagResource"],
      resources: [tasks],
      condition: { StringEquals: { "ecs:CreateAction": "RunTask" } },
    });
    role.allow({
      actions: ["ecs:TagResource"],
      resources: [tasks],
      condition: {
        StringEquals: { [`aws:RequestTag/${registeredTag}`]: "true", ...this.fleetTagged() },
        "ForAllValues:StringEquals": { "aws:TagKeys": [registeredTag] },
      },
    });
    // AWS can limit ListTasks to container instances only, and those are not ours.
    role.allow({ actions: ["ecs:ListTasks"], resources: ["*"], condition: inCluster });
    for (const grantDate of new Set(this.props.tasks.flatMap(({ image }) => image.grantDate ?? []))) grantDate(role);
    role.allow({
      actions: ["iam:PassRole"],
      resources: [this.executionRole.arn, this.taskRole.arn],
      condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
  }

  /**
   * The condition on tasks that leaves a role the fleet's own, in the fleet's own cluster, too: `compute.cluster` of another
   * fleet may name it. RunTask copies the tag from the task definition, which has it from the stack.
   *
   * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
   */
  private ownTasks(cluster: string): NonNullable<Statement["condition"]> {
    return { ArnEquals: { "ecs:cluster": cluster }, StringEquals: this.fleetTagged() };
  }

  private fleetTagged(): Readonly<Record<string, string>> {
    return { [`aws:ResourceTag/${fleetTag}`]: this.props.context.name };
  }

  private taskDefinitionArns(): string[] {
    const { context, tasks } = this.props;
    return tasks.map((task) => arnOf(context, "ecs", `task-definition/${this.familyOf(task)}:*`));
  }

  /**
   * ECS takes no capacity provider away that tasks use, and deletes no cluster that has tasks. A cluster of others stays,
   * so nothing is to be done for it.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
   */
  destroyBefore(needed: readonly TerraformResource[]): void {
    if (!this.own) return;
    const { cluster, providers } = this.own;
    const others = needed.filter((each) => each !== providers);
    destroyBefore(cluster, others);
  }

  private taskArns(): string {
    return arnOf(this.props.context, "ecs", `task/${this.clusterName}/*`);
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
    acceptFindings(cluster, {
      CKV_AWS_65:
        !compute.containerInsights && "The loop's own metrics show the fleet; compute.containerInsights adds AWS's.",
    });
    const providers = new EcsClusterCapacityProviders(this, "capacity-providers", {
      clusterName: cluster.name,
      capacityProviders: ["FARGATE", "FARGATE_SPOT"],
    });
    this.own = { cluster, providers };
    return { name: context.name, arn: cluster.arn };
  }

  /** The family identifies the tasks of one pool in the cluster. */
  private familyOf({ pool }: AgentTask): string {
    const { name } = this.props.context;
    return pool === undefined ? name : `${name}_${pool}`;
  }

  private taskDefinition(task: AgentTask): EcsTaskDefinition {
    const { compute, pool } = task;
    const { containers, volumes } = agentContainers(task, {
      logGroup: this.logGroup.name,
      region: this.props.context.region,
    });
    return new EcsTaskDefinition(this, pool === undefined ? "task-definition" : `task-definition-${pool}`, {
      family: this.familyOf(task),
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
      volume: volumes,
      // A running loop may still launch the old revision, until its environment names the new one.
      lifecycle: { createBeforeDestroy: true },
      containerDefinitions: JSON.stringify(containers),
    });
  }
}

function differences<T extends object>(own: T, common: T): Partial<T> {
  const entries = Object.entries(own) as [keyof T, unknown][];
  const differing = entries.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(common[key]));
  return Object.fromEntries(differing) as Partial<T>;
}

/** In the order in which the loop tries them. */
function capacityProvidersOf({ capacityProvider: hosts, spot }: ComputeConfig): string[] {
  if (hosts) return ["stack" in hosts ? hostsOf(hosts.stack) : hosts.name];
  return spot ? ["FARGATE_SPOT", "FARGATE"] : ["FARGATE"];
}
