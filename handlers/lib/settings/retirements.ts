import * as z from "zod";

/** The retirement workflow of a fleet. The stack writes it into the environment of functions that start retirements. */
export const retirementsConfig = z.strictObject({
  /** ARN of the state machine. */
  workflow: z.string(),
  /** Longest time that a retirement waits for its agent. */
  drainTimeoutSeconds: z.number(),
});

/** See {@link retirementsConfig}. */
export type RetirementsConfig = z.infer<typeof retirementsConfig>;
