import * as z from "zod";
import { hcpTerraformRuntime } from "./hcp-terraform/config.ts";

/** What the runtime half of a fleet's vendor needs to know; `type` tells which vendor it is. */
export const vendorRuntime = z.discriminatedUnion("type", [hcpTerraformRuntime]);

/** See {@link vendorRuntime}. */
export type VendorRuntime = z.infer<typeof vendorRuntime>;

/** The vendors there are. */
export type VendorId = VendorRuntime["type"];
