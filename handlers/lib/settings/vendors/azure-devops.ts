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

/** What the runtime half needs to know of one agent pool of Azure DevOps. Travels in the Lambdas' environment. */
export const azureDevOpsRuntime = z.strictObject({
  type: z.literal("azure-devops"),
  /** The organization or collection, without a trailing slash, such as `https://dev.azure.com/acme`. */
  url: z.string(),
  auth,
  /** Agents register in it by its name. Where its id is given as well, both must be of the same pool. */
  pool: z.strictObject({ name: z.string(), id: z.number().optional() }),
  /** What our agents offer besides what every agent of ours does: capability → value. See `azure-devops-agent.ts`. */
  capabilities: z.record(z.string(), z.string()),
  /** What those of this pool offer besides, where a fleet has several. */
  poolCapabilities: z.record(z.string(), z.string()).optional(),
  /** Name of the agent that is registered so that jobs can queue in an otherwise empty pool. */
  placeholder: z.string(),
});

/** See {@link azureDevOpsRuntime}. */
export type AzureDevOpsRuntime = z.infer<typeof azureDevOpsRuntime>;

/** Where the fleet's webhook takes service hooks, below its URL. */
export const webhookPath = "/service-hook";
