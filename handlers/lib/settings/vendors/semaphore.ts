import * as z from "zod";

/** Settings for a Semaphore, in the Lambdas' environment. */
export const semaphoreRuntime = z.strictObject({
  type: z.literal("semaphore"),
  /** Base URL without a trailing slash, such as `https://acme.semaphoreci.com`. */
  address: z.string(),
});

/** See {@link semaphoreRuntime}. */
export type SemaphoreRuntime = z.infer<typeof semaphoreRuntime>;
