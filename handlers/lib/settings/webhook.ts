import * as z from "zod";
import { json } from "../core/env.ts";
import { outboundSettings } from "./outbound.ts";
import { vendorRuntime } from "./vendors.ts";

/** The environment of the webhook Lambda. The stack encodes it, and the Lambda decodes it at cold start. */
export const webhookEnv = z.object({
  FLEET: z.string(),
  VENDOR: json(vendorRuntime),
  /** Only for a vendor behind a certificate authority or a proxy of the user's. */
  OUTBOUND: json(outboundSettings).optional(),
  /** ARN of the key that the vendor signs with: a Secrets Manager secret or an SSM parameter. */
  NOTIFICATION_SECRET_ARN: z.string(),
  AUTOSCALE_FUNCTION_NAME: z.string(),
  /** Table of the run ledger; only in notifications mode. */
  LEDGER_TABLE: z.string().optional(),
  /** How long a run counts after its last notification; only in notifications mode. */
  RUN_TTL_SECONDS: json(z.number()).optional(),
});
