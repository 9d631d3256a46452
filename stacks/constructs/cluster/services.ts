import { Construct } from "constructs";
import { ServiceDiscoveryHttpNamespace } from "#provider-aws/service-discovery-http-namespace";
import type { ServiceConfig } from "../../config/cluster/services.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { StackContext } from "../stack-context.ts";
import type { HostCluster } from "./cluster.ts";
import type { SharedLoadBalancer } from "./load-balancer.ts";
import { ClusterRules } from "./rules.ts";
import { ClusterService } from "./service.ts";

/** All services of a cluster, and the rules by which they may connect to each other. */
export class ClusterServices extends Construct {
  readonly all: readonly ClusterService[];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly cluster: HostCluster;
      readonly network: FleetNetwork;
      readonly services: readonly ServiceConfig[];
      readonly balancer: SharedLoadBalancer | undefined;
    },
  ) {
    super(scope, id);
    const { services, context } = props;
    const namespace = services.some(({ serviceConnect }) => serviceConnect)
      ? new ServiceDiscoveryHttpNamespace(this, "namespace", {
          name: context.name,
          description: `Service Connect in cluster ${context.name}`,
        })
      : undefined;
    const rules = new ClusterRules();
    const made = services.map((service) => ({
      config: service,
      service: new ClusterService(this, service.name, {
        ...props,
        service,
        rules,
        namespaceArn: service.serviceConnect ? namespace?.arn : undefined,
      }),
    }));
    this.all = made.map(({ service }) => service);
    for (const { config, service } of made) {
      config.ingress.forEach(({ from, to = from, protocol, cidrs = [], services: others = [] }, index) => {
        const rule = { from, to, protocol };
        cidrs.forEach((cidrIpv4, each) => {
          service.allow({ ...rule, id: `${index}-${each}`, description: "Allowed range", source: { cidrIpv4 } });
        });
        for (const name of others) {
          const client = this.all.find((each) => each.name === name);
          if (!client) continue;
          const source = { referencedSecurityGroupId: client.securityGroupId };
          service.allow({ ...rule, id: `${index}-${name}`, description: `From ${name}`, source });
        }
      });
      const offered = config.ports.find(({ name }) => name === config.serviceConnect?.port);
      if (!offered) continue;
      for (const { config: other, service: client } of made) {
        if (other === config || !other.serviceConnect) continue;
        service.allowConnect(client, offered.containerPort);
      }
    }
  }
}
