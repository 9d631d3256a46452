import * as z from "zod";

/** Settings for a Spacelift worker pool, in the Lambdas' environment. */
export const spaceliftRuntime = z.strictObject({
  type: z.literal("spacelift"),
  /** Base URL of the account without a trailing slash, such as `https://acme.app.spacelift.io`. */
  endpoint: z.string(),
  apiKeyId: z.string(),
  workerPoolId: z.string(),
  /** Name of the fleet's Auto Scaling group. Its workers have it as `asg_id`. */
  group: z.string(),
});

/** See {@link spaceliftRuntime}. */
export type SpaceliftRuntime = z.infer<typeof spaceliftRuntime>;

/** Path of the fleet's webhook for messages about runs. */
export const webhookPath = "/run-events";
