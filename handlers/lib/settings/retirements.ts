import * as z from "zod";

/** The retirement workflow of a fleet. Made by the stack, carried in the environment of whoever starts retirements. */
export const retirementsConfig = z.strictObject({
  /** ARN of the state machine. */
  workflow: z.string(),
  /** How long a retirement waits for its agent, at most. */
  drainTimeoutSeconds: z.number(),
});

/** See {@link retirementsConfig}. */
export type RetirementsConfig = z.infer<typeof retirementsConfig>;
