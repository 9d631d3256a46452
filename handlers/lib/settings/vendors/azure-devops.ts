import * as z from "zod";

const auth = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("pat") }),
  z.strictObject({
    type: z.literal("service-principal"),
    tenantId: z.string(),
    clientId: z.string(),
    /** Base URL of the identity platform without a trailing slash, such as `https://login.microsoftonline.com`. */
    authority: z.string(),
  }),
]);

/** Settings for one agent pool of Azure DevOps, in the Lambdas' environment. */
export const azureDevOpsRuntime = z.strictObject({
  type: z.literal("azure-devops"),
  /** The organization or collection, without a trailing slash, such as `https://dev.azure.com/acme`. */
  url: z.string(),
  auth,
  /** Agents register in it by its name. If its id is given too, both must belong to the same pool. */
  pool: z.strictObject({ name: z.string(), id: z.number().optional() }),
  /** Capabilities besides those that all our agents have: name → value. See `azure-devops-agent.ts`. */
  capabilities: z.record(z.string(), z.string()),
  /** More capabilities of this pool's agents, in a fleet of several pools. */
  poolCapabilities: z.record(z.string(), z.string()).optional(),
  /** Name of the placeholder agent. With it, jobs can queue in an otherwise empty pool. */
  placeholder: z.string(),
});

/** See {@link azureDevOpsRuntime}. */
export type AzureDevOpsRuntime = z.infer<typeof azureDevOpsRuntime>;

/** Path of the fleet's webhook for service hooks. */
export const webhookPath = "/service-hook";
