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
