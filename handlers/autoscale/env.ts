import * as z from "zod";
import { capacityConfig } from "../aws/capacity-config.ts";
import { retirementsConfig } from "../aws/retirements-config.ts";
import { json } from "../core/env.ts";
import { vendorRuntime } from "../vendors/config.ts";

const policy = z.strictObject({
  enabled: z.boolean(),
  min: z.number(),
  max: z.number(),
  buffer: z.union([z.number(), z.strictObject({ percent: z.number() })]),
  scaleOutCooldownSeconds: z.number(),
  scaleInCooldownSeconds: z.number(),
  scaleInAfterObservations: z.number(),
  removalOrder: z.enum(["oldest-first", "outdated-first", "longest-idle-first"]),
  maxAddedPerTick: z.number(),
  maxRemovedPerTick: z.number(),
  registrationGraceSeconds: z.number(),
  maxFailedLaunchesPerHour: z.number(),
  singleUse: z.boolean(),
  departure: z.enum(["by-itself", "by-retirement"]),
  canRetire: z.boolean(),
  maxLifetimeSeconds: z.number().optional(),
});

const overrides = z.record(z.string(), z.unknown());

/** What one pool of a fleet has that differs from the fleet's own POLICY, VENDOR and CAPACITY. */
export const poolOverrides = z.strictObject({
  pool: z.string(),
  policy: policy.partial(),
  vendor: overrides,
  capacity: overrides,
});

/** The environment of the autoscale Lambda: encoded by the stack, decoded at cold start. */
export const autoscaleEnv = z.object({
  FLEET: z.string(),
  POLICY: json(policy),
  TICK_SECONDS: json(z.number()),
  VENDOR: json(vendorRuntime),
  CAPACITY: json(capacityConfig),
  /** Only in fleets of several pools; differences only, because an environment holds no more than 4 KB. */
  POOLS: json(z.array(poolOverrides)).optional(),
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
