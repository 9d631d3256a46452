import * as z from "zod";
import { json } from "../core/env.ts";
import { policySchema } from "../core/policy.ts";
import { capacityConfig } from "./capacity.ts";
import { outboundSettings } from "./outbound.ts";
import { retirementsConfig } from "./retirements.ts";
import { vendorRuntime } from "./vendors.ts";

const overrides = z.record(z.string(), z.unknown());

/** One pool's differences from the fleet's POLICY, VENDOR and CAPACITY. */
export const poolOverrides = z.strictObject({
  pool: z.string(),
  policy: policySchema.partial(),
  vendor: overrides,
  capacity: overrides,
});

/** The environment of the autoscale Lambda. The stack encodes it, and the Lambda decodes it at cold start. */
export const autoscaleEnv = z.object({
  FLEET: z.string(),
  POLICY: json(policySchema),
  TICK_SECONDS: json(z.number()),
  VENDOR: json(vendorRuntime),
  /** Only for a vendor behind a certificate authority or a proxy of the user's. */
  OUTBOUND: json(outboundSettings).optional(),
  CAPACITY: json(capacityConfig),
  /** Only in fleets of several pools. Contains only differences, because an environment has at most 4 KB. */
  POOLS: json(z.array(poolOverrides)).optional(),
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
