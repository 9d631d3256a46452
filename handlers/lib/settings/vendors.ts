import * as z from "zod";
import { azureDevOpsRuntime } from "./vendors/azure-devops.ts";
import { hcpTerraformRuntime } from "./vendors/hcp-terraform.ts";
import { semaphoreRuntime } from "./vendors/semaphore.ts";
import { spaceliftRuntime } from "./vendors/spacelift.ts";

/** What the runtime half of a fleet's vendor needs to know; `type` tells which vendor it is. */
export const vendorRuntime = z.discriminatedUnion("type", [
  hcpTerraformRuntime,
  azureDevOpsRuntime,
  spaceliftRuntime,
  semaphoreRuntime,
]);

/** See {@link vendorRuntime}. */
export type VendorRuntime = z.infer<typeof vendorRuntime>;

/** The vendors there are. */
export type VendorId = VendorRuntime["type"];

/** What one vendor's runtime half needs to know. */
export type RuntimeOf<Id extends VendorId> = Extract<VendorRuntime, { readonly type: Id }>;
