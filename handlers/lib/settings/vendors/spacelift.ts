import * as z from "zod";

/** What the runtime half needs to know of a Spacelift worker pool. Travels in the Lambdas' environment. */
export const spaceliftRuntime = z.strictObject({
  type: z.literal("spacelift"),
  /** Base URL of the account without a trailing slash, such as `https://acme.app.spacelift.io`. */
  endpoint: z.string(),
  apiKeyId: z.string(),
  workerPoolId: z.string(),
  /** Name of the fleet's Auto Scaling group: its workers carry it as `asg_id`. */
  group: z.string(),
});

/** See {@link spaceliftRuntime}. */
export type SpaceliftRuntime = z.infer<typeof spaceliftRuntime>;
