import * as z from "zod";
import { eventAlarms } from "./alarms.ts";
import { chatIsHere } from "./chat.ts";
import { loadBalancer } from "./cluster/balancer.ts";
import { deployer } from "./cluster/deployer.ts";
import { hosts } from "./cluster/hosts.ts";
import { balancerRules, serviceRules } from "./cluster/rules.ts";
import { services } from "./cluster/services.ts";
import { commonFields, commonRules, tagLimit } from "./common.ts";
import { network, networkRules } from "./network/network.ts";
import { oneOf } from "./primitives.ts";
import { withRules } from "./rules.ts";
import { functionsAreHere } from "./subscriptions.ts";

const { region, ...restOfCommon } = commonFields;

/** An ECS cluster on EC2 hosts, and its services. */
export const ecsCluster = withRules(
  z.strictObject({
    kind: z.literal("ecs-cluster").describe("An ECS cluster on EC2 hosts."),
    region,
    network: network
      .prefault({ create: {} })
      .describe("Where hosts and tasks run: in a network of their own, or in an existing one."),
    containerInsights: oneOf(["disabled", "enabled", "enhanced"])
      .default("disabled")
      .describe("Container Insights, which AWS charges for."),
    hosts: hosts.prefault({}).describe("The EC2 hosts."),
    loadBalancer: loadBalancer
      .optional()
      .describe(
        "A load balancer that services share. Each service sets its own `loadBalancer`. Left out: no load balancer.",
      ),
    alarms: eventAlarms.prefault({}).describe("Who is notified of failed tasks, deployments and placements."),
    services: services.default([]).describe("The services on the cluster."),
    deployer: deployer
      .optional()
      .describe("Roles for pipelines that deploy new versions of the services, one per service. Left out: no roles."),
    ...restOfCommon,
  }),
  [
    ...commonRules,
    tagLimit(["Name", "AmazonECSManaged"]),
    ...networkRules,
    ...balancerRules,
    ...serviceRules,
    functionsAreHere,
    chatIsHere,
  ],
);

/** See {@link ecsCluster}. */
export type EcsClusterConfig = z.output<typeof ecsCluster>;
