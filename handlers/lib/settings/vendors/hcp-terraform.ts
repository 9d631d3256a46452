import * as z from "zod";

/** What the runtime half needs to know of an HCP Terraform organization. Travels in the Lambdas' environment. */
export const hcpTerraformRuntime = z.strictObject({
  type: z.literal("hcp-terraform"),
  organization: z.string(),
  agentPool: z.string(),
  /** Base URL without a trailing slash, such as `https://app.terraform.io`. */
  address: z.string(),
  demand: z.enum(["api", "notifications"]),
});

/** See {@link hcpTerraformRuntime}. */
export type HcpTerraformRuntime = z.infer<typeof hcpTerraformRuntime>;

/** Where the fleet's webhook takes what HCP Terraform posts, below its URL. */
export const webhookPaths = { notifications: "/notifications", runTask: "/run-task" } as const;

/**
 * What workspaces notify of, by where demand is read. Wake-ups need to know that something was queued or ended. The
 * ledger of a notifications-only fleet also needs to know when a run waits for a person and when it goes on.
 */
export const runTriggers: { readonly [Demand in HcpTerraformRuntime["demand"]]: readonly string[] } = {
  api: ["run:created", "run:completed", "run:errored"],
  notifications: ["run:created", "run:planning", "run:needs_attention", "run:applying", "run:completed", "run:errored"],
};
