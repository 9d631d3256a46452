import * as z from "zod";
import { wholeNumber } from "./primitives.ts";

/** How a fleet retires agents. */
export const retirement = z.strictObject({
  drainTimeoutSeconds: wholeNumber(300, 172_800)
    .default(21_600)
    .describe(
      "How long a retirement waits for a job to end. After that it fails and an alarm rings. AWS keeps an instance for at most 48 hours.",
    ),
  maxConcurrency: wholeNumber(2, 1000)
    .optional()
    .describe(
      "Most release-queue batches processed in parallel. Left out: unlimited. `scaling.maxRemovedPerTick` limits the loop's retirements.",
    ),
});
