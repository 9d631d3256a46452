import { Construct } from "constructs";
import { AppautoscalingPolicy } from "#provider-aws/appautoscaling-policy";
import { AppautoscalingTarget } from "#provider-aws/appautoscaling-target";
import { EcsService, type EcsServiceConfig } from "#provider-aws/ecs-service";
import type { ServiceConfig } from "../../config/cluster/services.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import { outboundSecurityGroup } from "../network/outbound-security-group.ts";
import type { StackContext } from "../stack-context.ts";
import type { HostCluster } from "./cluster.ts";
import type { SharedLoadBalancer, Target } from "./load-balancer.ts";
import type { ClusterRules } from "./rules.ts";
import { ServiceTask } from "./service-task.ts";

/**
 * The port range from which Docker takes the host's side of a bridge port. In bridge mode Service Connect's proxy takes
 * its port from the same range.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html
 */
const bridgePorts = { from: 32_768, to: 65_535 };

/** A source that may connect to a service, and the ports. */
export interface Ingress {
  readonly id: string;
  readonly description: string;
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
  readonly source: { readonly cidrIpv4: string } | { readonly referencedSecurityGroupId: string };
}

/** One service on a cluster's hosts: its tasks, their placement, their security group and their number. */
export class ClusterService extends Construct {
  readonly task: ServiceTask;
  readonly name: string;
  /** Security group of the tasks: their own, or the hosts' group if they share the host's network. */
  readonly securityGroupId: string;
  private readonly props: {
    readonly context: StackContext;
    readonly cluster: HostCluster;
    readonly network: FleetNetwork;
    readonly service: ServiceConfig;
    readonly balancer: SharedLoadBalancer | undefined;
    readonly rules: ClusterRules;
    /** ARN of the Service Connect namespace, if the service uses it. */
    readonly namespaceArn: string | undefined;
  };

  constructor(scope: Construct, id: string, props: ClusterService["props"]) {
    super(scope, id);
    this.props = props;
    const { context, cluster, service, balancer } = props;
    this.name = service.name;
    this.task = new ServiceTask(this, "task", { context, cluster, service });
    this.securityGroupId = service.networkMode === "awsvpc" ? this.securityGroup() : cluster.hosts.securityGroupId;
    const target = balancer?.targets.get(service.name);
    if (target && balancer) this.allowBalancer(balancer, target);
    const resource = this.service(target);
    if (service.autoScaling) this.autoScale(resource, service.autoScaling, target);
  }

  /** Lets a source connect to the tasks, or to all hosts if the tasks share their host's network. */
  allow({ id, description, from, to, protocol, source }: Ingress): void {
    this.props.rules.allowIn(this, `ingress-${id}`, {
      securityGroupId: this.securityGroupId,
      description,
      ipProtocol: protocol,
      fromPort: from,
      toPort: to,
      ...source,
    });
  }

  /**
   * Lets another service connect by Service Connect. Its proxy listens on the port or, in bridge mode, on any free one.
   */
  allowConnect(other: ClusterService, port: number): void {
    const range = this.props.service.networkMode === "bridge" ? bridgePorts : { from: port, to: port };
    this.allow({
      id: `connect-${other.name}`,
      description: `Service Connect from ${other.name}`,
      ...range,
      protocol: "tcp",
      source: { referencedSecurityGroupId: other.securityGroupId },
    });
  }

  private securityGroup(): string {
    const { context, network, service } = this.props;
    return outboundSecurityGroup(this, "", {
      name: `${context.name}-${service.name}`,
      description: `Tasks of service ${service.name}`,
      vpcId: network.vpcId,
    });
  }

  private allowBalancer(balancer: SharedLoadBalancer, target: Target): void {
    const { service, rules } = this.props;
    const range = balancerPorts(service, target);
    this.allow({
      id: "balancer",
      description: `From the load balancer to ${service.name}`,
      ...range,
      protocol: "tcp",
      source: { referencedSecurityGroupId: balancer.securityGroupId },
    });
    rules.allowOut(this, "balancer-egress", {
      securityGroupId: balancer.securityGroupId,
      description: `To ${service.name}`,
      ipProtocol: "tcp",
      fromPort: range.from,
      toPort: range.to,
      referencedSecurityGroupId: this.securityGroupId,
    });
  }

  private service(target: Target | undefined): EcsService {
    const { cluster, network, service, namespaceArn } = this.props;
    const { daemon, deployment } = service;
    const ignored = [
      ...(service.autoScaling ? ["desired_count"] : []),
      ...(service.deployedBy === "pipeline" ? ["task_definition"] : []),
    ];
    return new EcsService(this, "service", {
      name: service.name,
      cluster: cluster.arn,
      taskDefinition: this.task.arn,
      ...(daemon
        ? { schedulingStrategy: "DAEMON", launchType: "EC2" }
        : {
            schedulingStrategy: "REPLICA",
            desiredCount: service.autoScaling?.min ?? service.desiredCount,
            capacityProviderStrategy: [{ capacityProvider: cluster.hosts.capacityProvider.name, base: 0, weight: 1 }],
            orderedPlacementStrategy: strategies(service),
          }),
      placementConstraints: service.placement.constraints.map((constraint) => ({ ...constraint })),
      deploymentMinimumHealthyPercent: deployment.minHealthyPercent ?? (daemon ? 0 : 100),
      deploymentMaximumPercent: deployment.maxPercent ?? (daemon ? 100 : 200),
      deploymentCircuitBreaker: { enable: true, rollback: true },
      enableExecuteCommand: service.executeCommand,
      enableEcsManagedTags: true,
      propagateTags: "SERVICE",
      ...(service.networkMode === "awsvpc" && {
        networkConfiguration: { subnets: network.subnetIds, securityGroups: [this.securityGroupId] },
      }),
      ...(target && {
        loadBalancer: [{ targetGroupArn: target.arn, containerName: service.name, containerPort: target.port }],
        healthCheckGracePeriodSeconds: service.loadBalancer?.healthGraceSeconds,
      }),
      serviceConnectConfiguration: namespaceArn === undefined ? undefined : serviceConnect(service, namespaceArn),
      lifecycle: ignored.length > 0 ? { ignoreChanges: ignored } : undefined,
      dependsOn: [
        cluster.ready,
        ...this.task.executionRole.ready,
        ...this.task.taskRole.ready,
        ...(target ? [target.ready] : []),
      ],
    });
  }

  private autoScale(
    service: EcsService,
    { min, max, ...goals }: NonNullable<ServiceConfig["autoScaling"]>,
    target: Target | undefined,
  ): void {
    const { context, cluster, balancer } = this.props;
    const scalable = new AppautoscalingTarget(this, "scalable", {
      serviceNamespace: "ecs",
      resourceId: `service/${cluster.name}/${service.name}`,
      scalableDimension: "ecs:service:DesiredCount",
      minCapacity: min,
      maxCapacity: max,
      dependsOn: [service],
    });
    const metrics = [
      { goal: goals.cpuPercent, type: "ECSServiceAverageCPUUtilization" },
      { goal: goals.memoryPercent, type: "ECSServiceAverageMemoryUtilization" },
      {
        goal: goals.requestsPerTask,
        type: "ALBRequestCountPerTarget",
        label: balancer && target && `${balancer.arnSuffix}/${target.arnSuffix}`,
      },
    ];
    for (const { goal, type, label } of metrics) {
      if (goal === undefined) continue;
      new AppautoscalingPolicy(this, type, {
        name: `${context.name}-${this.name}-${type}`,
        policyType: "TargetTrackingScaling",
        serviceNamespace: scalable.serviceNamespace,
        resourceId: scalable.resourceId,
        scalableDimension: scalable.scalableDimension,
        targetTrackingScalingPolicyConfiguration: {
          targetValue: goal,
          predefinedMetricSpecification: { predefinedMetricType: type, resourceLabel: label },
        },
      });
    }
  }
}

/**
 * The ports on which the balancer reaches a service. In bridge mode that is the host's port: the given or any free one.
 */
function balancerPorts({ networkMode, ports, loadBalancer }: ServiceConfig, { port }: Target) {
  if (networkMode !== "bridge") return { from: port, to: port };
  const hostPort = ports.find(({ name }) => name === loadBalancer?.port)?.hostPort;
  return hostPort === undefined ? bridgePorts : { from: hostPort, to: hostPort };
}

function strategies({ placement }: ServiceConfig): NonNullable<EcsServiceConfig["orderedPlacementStrategy"]> {
  return (
    placement.strategies ?? [
      { type: "spread", field: "attribute:ecs.availability-zone" },
      { type: "spread", field: "instanceId" },
    ]
  );
}

function serviceConnect({ name, ports, serviceConnect: offer }: ServiceConfig, namespace: string) {
  const port = ports.find((each) => each.name === offer?.port);
  return {
    enabled: true,
    namespace,
    ...(port && {
      service: [
        {
          portName: port.name,
          discoveryName: name,
          clientAlias: { dnsName: name, port: port.containerPort },
        },
      ],
    }),
  };
}
