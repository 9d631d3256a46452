import * as z from "zod";
import { json } from "../core/env.ts";
import { outboundSettings } from "./outbound.ts";
import { retirementsConfig } from "./retirements.ts";

/** The environment of the autoscale Lambda. The stack encodes it, and the Lambda decodes it at cold start. */
export const autoscaleEnv = z.object({
  FLEET: z.string(),
  TICK_SECONDS: json(z.number()),
  /** Only for a vendor behind a certificate authority or a proxy of the user's. */
  OUTBOUND: json(outboundSettings).optional(),
  /** Table with a row of settings for each pool, and with what operators have set for a while. */
  SETTINGS_TABLE: z.string(),
  /** The pools' keys; only in fleets of several pools. A pool whose row is missing is thereby known. */
  POOLS: json(z.array(z.string())).optional(),
  /** Table of the fleet's lease, and of the documents that outlive a function. */
  STATE_TABLE: z.string(),
  /** The queue that brings the call for the next look. */
  NEXT_LOOKS_QUEUE_URL: z.string(),
  /** Left out if agents leave by themselves. */
  RETIREMENTS: json(retirementsConfig).optional(),
  /** ARN of the vendor's API credential; left out if the vendor needs none. */
  API_TOKEN_SECRET_ARN: z.string().optional(),
  /** Table of the run ledger; only in notifications mode. */
  LEDGER_TABLE: z.string().optional(),
  RUN_TTL_SECONDS: json(z.number()).optional(),
});

/** See {@link autoscaleEnv}. */
export type AutoscaleEnv = z.output<typeof autoscaleEnv>;
