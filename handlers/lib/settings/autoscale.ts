import * as z from "zod";
import { json } from "../core/env.ts";
import { policySchema } from "../core/policy.ts";
import { capacityConfig } from "./capacity.ts";
import { retirementsConfig } from "./retirements.ts";
import { vendorRuntime } from "./vendors.ts";

const overrides = z.record(z.string(), z.unknown());

/** What one pool of a fleet has that differs from the fleet's own POLICY, VENDOR and CAPACITY. */
export const poolOverrides = z.strictObject({
  pool: z.string(),
  policy: policySchema.partial(),
  vendor: overrides,
  capacity: overrides,
});

/** The environment of the autoscale Lambda: encoded by the stack, decoded at cold start. */
export const autoscaleEnv = z.object({
  FLEET: z.string(),
  POLICY: json(policySchema),
  TICK_SECONDS: json(z.number()),
  VENDOR: json(vendorRuntime),
  CAPACITY: json(capacityConfig),
  /** Only in fleets of several pools; differences only, because an environment holds no more than 4 KB. */
  POOLS: json(z.array(poolOverrides)).optional(),
  /** Table of the fleet's lease, and of the documents that outlive a function. */
  STATE_TABLE: z.string(),
  /** Left out where agents leave by themselves. */
  RETIREMENTS: json(retirementsConfig).optional(),
  /** ARN of the vendor's API credential; left out where the vendor needs none. */
  API_TOKEN_SECRET_ARN: z.string().optional(),
  /** Table of the run ledger; only in notifications mode. */
  LEDGER_TABLE: z.string().optional(),
  RUN_TTL_SECONDS: json(z.number()).optional(),
});

/** See {@link autoscaleEnv}. */
export type AutoscaleEnv = z.output<typeof autoscaleEnv>;
