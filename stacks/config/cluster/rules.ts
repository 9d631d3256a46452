import type { NetworkConfig } from "../network/network.ts";
import type { Rule } from "../rules.ts";
import type { LoadBalancerConfig } from "./balancer.ts";
import type { DeployerConfig } from "./deployer.ts";
import { isDefaultTarget, rulePriority } from "./rule-priority.ts";
import type { ServiceConfig } from "./services.ts";

interface Cluster {
  readonly network: NetworkConfig;
  readonly loadBalancer?: LoadBalancerConfig | undefined;
  readonly services: readonly ServiceConfig[];
  readonly deployer?: Pick<DeployerConfig, "github" | "hcpTerraform"> | undefined;
}

/** Rules between a load balancer and its network. */
export const balancerRules: readonly Rule<Cluster>[] = [
  {
    path: ["loadBalancer", "subnetIds"],
    reads: [["loadBalancer"], ["network"]],
    check: ({ loadBalancer, network }) => {
      if (!loadBalancer || loadBalancer.subnetIds !== undefined || "stack" in network) return undefined;
      if ("vpcId" in network) {
        if (loadBalancer.scheme === "internet-facing")
          return "must name public subnets: the subnets of the hosts may be private";
        return network.subnetIds.length < 2 ? "must name subnets in two zones: the network has one subnet" : undefined;
      }
      const { availabilityZones: zones, egress } = network.create;
      if ((typeof zones === "number" ? zones : zones.length) < 2) {
        return "needs a network with at least two availabilityZones";
      }
      return loadBalancer.scheme === "internet-facing" && egress === "endpoints-only"
        ? "must name public subnets: a network with egress endpoints-only has none"
        : undefined;
    },
  },
];

/** Rules between services. */
export const serviceRules: readonly Rule<Cluster>[] = [
  {
    path: ["deployer"],
    reads: [["deployer"], ["services"]],
    check: ({ deployer, services }) =>
      deployer && services.length === 0 ? "must be left out while services is empty" : undefined,
  },
  {
    path: ["deployer"],
    reads: [["deployer"], ["services"]],
    check: ({ deployer, services }) => {
      const named = [...(deployer?.github ?? []), ...(deployer?.hcpTerraform ?? [])].flatMap(
        (each) => each.services ?? [],
      );
      const unknown = named.find((name) => !services.some((service) => service.name === name));
      return unknown === undefined ? undefined : `must name services of this stack, but there is no ${unknown}`;
    },
  },
  {
    path: ["loadBalancer"],
    reads: [["loadBalancer"], ["services"]],
    check: ({ loadBalancer, services }) => {
      const [first] = targetsOf(services);
      return first && !loadBalancer ? `must be given: service ${first.name} has a loadBalancer` : undefined;
    },
  },
  {
    path: ["services"],
    reads: [["services"]],
    check: ({ services }) => {
      const everything = targetsOf(services).filter(({ loadBalancer }) => isDefaultTarget(loadBalancer));
      return everything.length > 1
        ? `must have one service without hosts and paths behind the balancer, not ${namesOf(everything)}`
        : undefined;
    },
  },
  {
    path: ["services"],
    reads: [["services"]],
    check: ({ services }) => {
      const rules = targetsOf(services).filter(({ loadBalancer }) => !isDefaultTarget(loadBalancer));
      const twins = rules.filter((one) =>
        rules.some((other) => other !== one && rulePriority(other) === rulePriority(one)),
      );
      return twins.length > 0 ? `must have different loadBalancer priorities: ${namesOf(twins)}` : undefined;
    },
  },
  {
    path: ["services"],
    reads: [["services"]],
    check: ({ services }) => {
      const names = services.map(({ name }) => name);
      const wanted = services.flatMap(({ ingress }) => ingress.flatMap((each) => each.services ?? []));
      const unknown = wanted.find((name) => !names.includes(name));
      return unknown === undefined
        ? undefined
        : `must name services of this stack in ingress, but there is no ${unknown}`;
    },
  },
];

/** Services behind the load balancer. */
function targetsOf(services: readonly ServiceConfig[]) {
  return services.flatMap(({ name, loadBalancer }) => (loadBalancer ? [{ name, loadBalancer }] : []));
}

function namesOf(services: readonly { readonly name: string }[]): string {
  return services.map(({ name }) => name).join(", ");
}
