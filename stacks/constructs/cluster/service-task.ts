import { Construct } from "constructs";
import { EcsTaskDefinition } from "#provider-aws/ecs-task-definition";
import type { ServiceConfig } from "../../config/cluster/services.ts";
import { createLogGroup, grantLogWrite, logGroupName } from "../log-group.ts";
import { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import {
  awsLogs,
  linuxParameters,
  repositoryCredentials,
  secretReferences,
  sortedVariables,
} from "../tasks/container-parts.ts";
import { allowExecuteCommand, allowImagePull, allowSecret } from "../tasks/task-rights.ts";
import { allowVolumes, mountPoints, taskVolumes } from "../tasks/task-volumes.ts";
import type { HostCluster } from "./cluster.ts";

/** The tasks of a service: task definition, log group and two roles with exact rights. */
export class ServiceTask extends Construct {
  readonly arn: string;
  readonly family: string;
  readonly executionRole: ServiceRole;
  readonly taskRole: ServiceRole;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly cluster: HostCluster;
      readonly service: ServiceConfig;
    },
  ) {
    super(scope, id);
    const { context, service } = props;
    const trust = {
      context,
      service: "ecs-tasks.amazonaws.com",
      trustCondition: { StringEquals: { "aws:SourceAccount": context.accountId } },
    };
    this.executionRole = new ServiceRole(this, `${service.name}-exec`, {
      ...trust,
      description: `Starts tasks of service ${service.name}`,
    });
    this.taskRole = new ServiceRole(this, `${service.name}-task`, {
      ...trust,
      description: `What tasks of service ${service.name} may do`,
    });
    this.family = `${context.name}-${service.name}`;
    this.grantStart();
    this.grantRun();
    this.arn = this.definition().arn;
  }

  private grantStart(): void {
    const { context, cluster, service } = this.props;
    const { executionRole } = this;
    allowImagePull(executionRole, service.image, context, service);
    // The ECS agent pulls some images as the host and not by the execution role, such as images that it pulls again.
    allowImagePull(cluster.hosts.role, service.image, context, service);
    const references = [...Object.values(service.secrets), service.repositoryCredentialsArn ?? []].flat();
    for (const reference of references) allowSecret(executionRole, reference);
    if (references.length > 0) executionRole.allowKey(context, ["kms:Decrypt"]);
  }

  private grantRun(): void {
    const { context, cluster, service } = this.props;
    const { taskRole } = this;
    if (service.executeCommand) {
      allowExecuteCommand(taskRole);
      cluster.grantSessionLog(taskRole);
    }
    allowVolumes(taskRole, service.volumes, context);
    for (const { actions, resources } of service.statements) taskRole.allow({ actions, resources });
  }

  private definition(): EcsTaskDefinition {
    const { service } = this.props;
    return new EcsTaskDefinition(this, "definition", {
      family: this.family,
      requiresCompatibilities: ["EC2"],
      networkMode: service.networkMode,
      pidMode: service.pidMode,
      executionRoleArn: this.executionRole.arn,
      taskRoleArn: this.taskRole.arn,
      volume: taskVolumes(service.volumes),
      containerDefinitions: JSON.stringify([this.container()]),
    });
  }

  private container() {
    const { context, service } = this.props;
    const logGroup = createLogGroup(this, "logs", context, logGroupName(context.name, "services", service.name));
    grantLogWrite(logGroup, this.executionRole);
    const { healthCheck } = service;
    return {
      name: service.name,
      image: service.image,
      essential: true,
      cpu: service.cpu,
      memory: service.memoryMiB,
      ...repositoryCredentials(service),
      ...(service.entryPoint && { entryPoint: service.entryPoint }),
      ...(service.command && { command: service.command }),
      ...(service.user !== undefined && { user: service.user }),
      portMappings: service.ports.map(({ name, containerPort, hostPort, protocol }) => ({
        name,
        containerPort,
        hostPort: service.networkMode === "bridge" ? (hostPort ?? 0) : containerPort,
        protocol,
      })),
      environment: sortedVariables(service.environment),
      secrets: secretReferences(service.secrets),
      readonlyRootFilesystem: service.readonlyRootFilesystem,
      mountPoints: mountPoints(service.volumes),
      linuxParameters: linuxParameters(true, service.capabilities),
      stopTimeout: service.stopTimeoutSeconds,
      ...(healthCheck && {
        healthCheck: {
          command: ["CMD", ...healthCheck.command],
          interval: healthCheck.intervalSeconds,
          timeout: healthCheck.timeoutSeconds,
          retries: healthCheck.retries,
          // None is ECS's default, which it stores as nothing (assumed; the provider compares it as it is).
          ...(healthCheck.startPeriodSeconds > 0 && { startPeriod: healthCheck.startPeriodSeconds }),
        },
      }),
      logConfiguration: awsLogs({ logGroup: logGroup.name, region: context.region }, service.name),
    };
  }
}
