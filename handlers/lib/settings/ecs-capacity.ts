import * as z from "zod";
import { commaSeparated } from "../core/env.ts";

/** Exit code of an entry point whose agent never registered. */
export const neverRegisteredExitCode = 86;

/** The `startedBy` of every task that a loop launches. */
export const startedByLoop = "agent-fleets";

/** Where an ECS fleet's tasks run. The stack writes it into the loop's environment, and the ECS adapter reads it. */
export const ecsCapacityConfig = z.strictObject({
  type: z.literal("ecs"),
  /** Cluster ARN. */
  cluster: z.string(),
  /**
   * Family and revision to launch, so that a deployment switches all launches at once. The loop also recognizes our
   * tasks in the cluster by the family.
   */
  taskDefinition: z.string(),
  container: z.string(),
  /** The agents' image, if the loop may ask ECR for its date. Left out, or empty: it may not. */
  image: z.string().optional(),
  /** Tried in this order when AWS has no capacity, such as `["FARGATE_SPOT", "FARGATE"]`. */
  capacityProviders: z.array(z.string()).min(1),
  subnets: commaSeparated,
  securityGroups: z.array(z.string()),
  /** `true` or `false`, as text: for a shared network, only Terraform knows the value. */
  assignPublicIp: z.string(),
  enableExecuteCommand: z.boolean(),
  /** Environment variable with the name of the vendor's agent. */
  nameVariable: z.string(),
});

/** See {@link ecsCapacityConfig}. */
export type EcsCapacityConfig = z.infer<typeof ecsCapacityConfig>;
