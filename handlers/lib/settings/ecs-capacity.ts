import * as z from "zod";
import { commaSeparated } from "../core/env.ts";

/** The entry point of an agent that never registered exits with it. */
export const neverRegisteredExitCode = 86;

/** Where an ECS fleet's tasks run. Made by the stack, carried in the loop's environment, read by the ECS adapter. */
export const ecsCapacityConfig = z.strictObject({
  type: z.literal("ecs"),
  /** Cluster ARN. */
  cluster: z.string(),
  /**
   * Family and revision to launch, so that a deployment switches all launches at once. The family is also what tells our
   * tasks from others in the cluster.
   */
  taskDefinition: z.string(),
  container: z.string(),
  /** Tried in this order when AWS has no capacity, such as `["FARGATE_SPOT", "FARGATE"]`. */
  capacityProviders: z.array(z.string()).min(1),
  subnets: commaSeparated,
  securityGroups: z.array(z.string()),
  /** `true` or `false`: text, because of a shared network only Terraform knows it. */
  assignPublicIp: z.string(),
  enableExecuteCommand: z.boolean(),
  /** Environment variable in which the vendor's agent expects its name. */
  nameVariable: z.string(),
});

/** See {@link ecsCapacityConfig}. */
export type EcsCapacityConfig = z.infer<typeof ecsCapacityConfig>;
