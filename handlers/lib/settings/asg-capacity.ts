import * as z from "zod";

/** Tells an instance its role; read on the instance through IMDS. */
export const roleTag = "AgentFleetsRole";
/** Marks an instance, or an ECS task, of which the agent has registered with the vendor. */
export const registeredTag = "AgentFleetsRegistered";
/** Marks an instance that said itself that its agent never registered: the time, ISO 8601. */
export const neverRegisteredTag = "AgentFleetsNeverRegistered";

/** Marks an instance that said itself that its agent has left: the time, ISO 8601. */
export const leftTag = "AgentFleetsLeft";

/** The Auto Scaling group of a fleet. Made by the stack, carried in the loop's environment, read by the group's adapter. */
export const asgCapacityConfig = z.strictObject({
  type: z.literal("asg"),
  /** The group's name. */
  group: z.string(),
  /** The name of its termination hook, which waits for a retirement. */
  hook: z.string(),
  /** An instance that ends by itself and is younger, in seconds, never became an agent. */
  bootSeconds: z.number(),
});

/** See {@link asgCapacityConfig}. */
export type AsgCapacityConfig = z.infer<typeof asgCapacityConfig>;
