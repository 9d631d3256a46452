import * as z from "zod";

/** Settings for an HCP Terraform organization, in the Lambdas' environment. */
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

/** Paths of the fleet's webhook for HCP Terraform. */
export const webhookPaths = { notifications: "/notifications", runTask: "/run-task" } as const;

/**
 * The triggers of workspaces' notifications, by the source of demand. To wake the loop, triggers for queued and ended
 * runs are enough. The ledger of a notifications-only fleet also needs to know when a run waits for a person and when
 * it continues.
 */
export const runTriggers: { readonly [Demand in HcpTerraformRuntime["demand"]]: readonly string[] } = {
  api: ["run:created", "run:completed", "run:errored"],
  notifications: ["run:created", "run:planning", "run:needs_attention", "run:applying", "run:completed", "run:errored"],
};
