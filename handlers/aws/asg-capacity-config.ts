import * as z from "zod";

/** The Auto Scaling group of a fleet. Made by the stack, carried in the loop's environment, read by the group's adapter. */
export const asgCapacityConfig = z.strictObject({
  type: z.literal("asg"),
  /** The group's name. */
  group: z.string(),
});

/** See {@link asgCapacityConfig}. */
export type AsgCapacityConfig = z.infer<typeof asgCapacityConfig>;
