import * as z from "zod";
import { azureDevOpsRuntime } from "./vendors/azure-devops.ts";
import { hcpTerraformRuntime } from "./vendors/hcp-terraform.ts";
import { semaphoreRuntime } from "./vendors/semaphore.ts";
import { spaceliftRuntime } from "./vendors/spacelift.ts";

/** Settings for the runtime half of a fleet's vendor. `type` is the vendor's id. */
export const vendorRuntime = z.discriminatedUnion("type", [
  hcpTerraformRuntime,
  azureDevOpsRuntime,
  spaceliftRuntime,
  semaphoreRuntime,
]);

/** See {@link vendorRuntime}. */
export type VendorRuntime = z.infer<typeof vendorRuntime>;

/** The id of a vendor. */
export type VendorId = VendorRuntime["type"];

/** Settings for one vendor's runtime half. */
export type RuntimeOf<Id extends VendorId> = Extract<VendorRuntime, { readonly type: Id }>;
