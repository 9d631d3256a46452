import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { Lb } from "#provider-aws/lb";
import { LbListener } from "#provider-aws/lb-listener";
import { LbListenerRule } from "#provider-aws/lb-listener-rule";
import { LbTargetGroup } from "#provider-aws/lb-target-group";
import { SecurityGroup } from "#provider-aws/security-group";
import { VpcSecurityGroupIngressRule } from "#provider-aws/vpc-security-group-ingress-rule";
import type { LoadBalancerConfig } from "../../config/cluster/balancer.ts";
import { isDefaultTarget, rulePriority } from "../../config/cluster/rule-priority.ts";
import type { ServiceConfig } from "../../config/cluster/services.ts";
import { acceptFindings } from "../accepted-findings.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import { fingerprint, shortName } from "../short-name.ts";
import type { StackContext } from "../stack-context.ts";

/** Why a load balancer speaks HTTP. */
const noCertificate = "The config names no certificateArn, so there is nothing to speak TLS with.";

const redirect = { type: "redirect", redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" } };
const notFound = {
  type: "fixed-response",
  fixedResponse: { contentType: "text/plain", messageBody: "no such service", statusCode: "404" },
};

/** The target group that gets one service's requests. */
export interface Target {
  readonly arn: string;
  /** The last part of its ARN, as CloudWatch names it. */
  readonly arnSuffix: string;
  readonly port: number;
  /** The resource that must exist before a service may use the target group. */
  readonly ready: ITerraformDependable;
}

/** One application load balancer for all services of a cluster: a target group and a listener rule for each. */
export class SharedLoadBalancer extends Construct {
  readonly dnsName: string;
  readonly arnSuffix: string;
  readonly securityGroupId: string;
  readonly listenerArn: string;
  /** By the service's name. */
  readonly targets: ReadonlyMap<string, Target>;
  /** The target group of the service that takes all other requests. */
  readonly defaultTargetGroupArn: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly config: LoadBalancerConfig;
      readonly network: FleetNetwork;
      readonly services: readonly ServiceConfig[];
    },
  ) {
    super(scope, id);
    const { context, config, network, services } = props;
    const open = config.scheme === "internet-facing";
    this.securityGroupId = this.securityGroup();
    const balancer = new Lb(this, "balancer", {
      // A stack's name may start with internal-; AWS forbids that for a load balancer's.
      name: shortName(`alb-${context.name}`, 32),
      loadBalancerType: "application",
      internal: !open,
      subnets: config.subnetIds ?? (open ? network.publicSubnetIds() : undefined) ?? network.subnetIds,
      securityGroups: [this.securityGroupId],
      dropInvalidHeaderFields: true,
      enableDeletionProtection: config.deletionProtection,
      idleTimeout: config.idleTimeoutSeconds,
    });
    acceptFindings(balancer, {
      CKV2_AWS_20: config.certificateArn === undefined && noCertificate,
      CKV_AWS_91: "Access logs need a bucket; the services' own logs and the balancer's metrics are there without one.",
      CKV_AWS_150: !config.deletionProtection && "The config leaves deletionProtection off, so that destroy works.",
    });
    this.dnsName = balancer.dnsName;
    this.arnSuffix = balancer.arnSuffix;

    const behind = services.flatMap(({ loadBalancer, ...service }) =>
      loadBalancer ? [{ ...service, loadBalancer }] : [],
    );
    const groups = behind.map((service) => ({ service, group: this.targetGroup(service) }));
    const fallback = groups.find(({ service }) => isDefaultTarget(service.loadBalancer));
    this.defaultTargetGroupArn = fallback?.group.arn;
    const listener = this.listener(balancer, fallback ? forwardTo(fallback.group) : notFound);
    this.listenerArn = listener.arn;
    this.targets = new Map(
      groups.map(({ service, group }) => [
        service.name,
        {
          arn: group.arn,
          arnSuffix: group.arnSuffix,
          port: portOf(service),
          ready: isDefaultTarget(service.loadBalancer) ? listener : this.rule(listener, service, group),
        },
      ]),
    );
  }

  private securityGroup(): string {
    const { context, config, network } = this.props;
    const name = `${context.name}-alb`;
    const group = new SecurityGroup(this, "security-group", {
      name,
      description: "Load balancer: in from the allowed ranges, out to its services",
      vpcId: network.vpcId,
      tags: { Name: name },
    });
    for (const port of config.certificateArn === undefined ? [80] : [80, 443]) {
      config.allowCidrs.forEach((cidrIpv4, index) => {
        new VpcSecurityGroupIngressRule(this, `ingress-${port}-${index}`, {
          securityGroupId: group.id,
          description: port === 443 ? "HTTPS" : config.certificateArn === undefined ? "HTTP" : "HTTP, to be redirected",
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
          cidrIpv4,
        });
      });
    }
    return group.id;
  }

  private listener(balancer: Lb, action: object & { type: string }): LbListener {
    const { certificateArn } = this.props.config;
    const http = new LbListener(this, "http", {
      loadBalancerArn: balancer.arn,
      port: 80,
      protocol: "HTTP",
      defaultAction: [certificateArn === undefined ? action : redirect],
    });
    if (certificateArn === undefined) {
      acceptFindings(http, { CKV_AWS_2: noCertificate, CKV_AWS_103: noCertificate });
      return http;
    }
    return new LbListener(this, "https", {
      loadBalancerArn: balancer.arn,
      port: 443,
      protocol: "HTTPS",
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificateArn,
      defaultAction: [action],
    });
  }

  private targetGroup(service: BehindBalancer): LbTargetGroup {
    const { loadBalancer: target } = service;
    const targetType = service.networkMode === "awsvpc" ? "ip" : "instance";
    const port = portOf(service);
    const protocol = target.protocol.toUpperCase();
    const group = new LbTargetGroup(this, `target-${service.name}`, {
      // The name contains everything that cannot change in place, so that the new group can exist beside the old one.
      name: `${service.name}-${fingerprint(this.props.context.name, service.name, targetType, port, protocol)}`,
      vpcId: this.props.network.vpcId,
      targetType,
      port,
      protocol,
      deregistrationDelay: String(target.deregistrationDelaySeconds),
      healthCheck: {
        path: target.healthPath,
        matcher: target.healthCodes,
        interval: target.healthIntervalSeconds,
        timeout: Math.min(5, target.healthIntervalSeconds - 1),
        healthyThreshold: 2,
        unhealthyThreshold: 3,
        protocol,
      },
      lifecycle: { createBeforeDestroy: true },
    });
    acceptFindings(group, {
      CKV_AWS_378: target.protocol === "http" && "The config says that the service speaks HTTP inside the network.",
    });
    return group;
  }

  private rule(listener: LbListener, service: BehindBalancer, group: LbTargetGroup): LbListenerRule {
    const { hosts, paths } = service.loadBalancer;
    return new LbListenerRule(this, `rule-${service.name}`, {
      listenerArn: listener.arn,
      priority: rulePriority(service),
      action: [forwardTo(group)],
      condition: [
        ...(hosts.length > 0 ? [{ hostHeader: { values: [...hosts] } }] : []),
        ...(paths.length > 0 ? [{ pathPattern: { values: [...paths] } }] : []),
      ],
    });
  }
}

type BehindBalancer = Omit<ServiceConfig, "loadBalancer"> & {
  loadBalancer: NonNullable<ServiceConfig["loadBalancer"]>;
};

function forwardTo(group: LbTargetGroup) {
  return { type: "forward", targetGroupArn: group.arn };
}

function portOf({ ports, loadBalancer }: BehindBalancer): number {
  const port = ports.find(({ name }) => name === loadBalancer.port);
  if (!port) throw new Error(`there is no port ${loadBalancer.port}`);
  return port.containerPort;
}
