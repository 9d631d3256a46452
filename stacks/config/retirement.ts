import * as z from "zod";
import { wholeNumber } from "./primitives.ts";

/** How agents are taken out of a fleet. */
export const retirement = z.strictObject({
  drainTimeoutSeconds: wholeNumber(300, 172_800)
    .default(21_600)
    .describe(
      "How long a retirement waits for a job to end before it gives up and tells. AWS itself keeps no instance longer than 48 hours.",
    ),
  maxConcurrency: wholeNumber(2, 1000)
    .optional()
    .describe(
      "How many batches of notices that instances leave or are taken are worked on at once; without it, as many as there are. How many retirements the scaling loop starts is `scaling.maxRemovedPerTick`.",
    ),
});
