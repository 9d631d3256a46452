import * as z from "zod";

/** Tag with the role of an instance. The instance reads it through IMDS. */
export const roleTag = "AgentFleetsRole";
/** Tag of an instance, or an ECS task, whose agent has registered with the vendor. */
export const registeredTag = "AgentFleetsRegistered";
/** Tag of an instance that reported itself that its agent never registered. Its value is the time, ISO 8601. */
export const neverRegisteredTag = "AgentFleetsNeverRegistered";

/** Tag of an instance that reported itself that its agent has left. Its value is the time, ISO 8601. */
export const leftTag = "AgentFleetsLeft";

/**
 * The Auto Scaling group of a fleet. The stack writes it into the loop's environment, and the group's adapter reads it.
 */
export const asgCapacityConfig = z.strictObject({
  type: z.literal("asg"),
  /** The group's name. */
  group: z.string(),
  /** The name of its termination hook. The hook waits for a retirement. */
  hook: z.string(),
  /** An instance that ends by itself at a younger age, in seconds, never became an agent. */
  bootSeconds: z.number(),
  /** Only with Spot: a second group, with On-Demand instances alone and a hook of the same name. */
  fallback: z
    .strictObject({
      /** The second group's name. */
      group: z.string(),
      /** Launches go to it once an order has stood for so long while AWS had no capacity, and for as long, in seconds. */
      afterSeconds: z.number(),
    })
    .optional(),
});

/** See {@link asgCapacityConfig}. */
export type AsgCapacityConfig = z.infer<typeof asgCapacityConfig>;
