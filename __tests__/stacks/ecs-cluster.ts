import { type Synthesized, synthesize } from "./synth.ts";

/** The least that a cluster's file says, on a given network. */
export const cluster = {
  kind: "ecs-cluster",
  region: "us-west-2",
  network: { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"] },
} as const;

/** Synthesizes a cluster with more than the least. */
export function synthCluster(more: object = {}, name = "apps"): Synthesized {
  return synthesize({ ...cluster, ...more }, name);
}

/** A service behind the shared load balancer. */
export const web = {
  name: "web",
  image: "nginx:1.29.0",
  ports: [{ name: "http", containerPort: 8080 }],
  loadBalancer: { port: "http" },
};

/** Synthesizes a cluster with a load balancer and these services. */
export const withServices = (services: object[], more: object = {}) =>
  synthCluster({ loadBalancer: {}, services, ...more });
