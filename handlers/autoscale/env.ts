import * as z from "zod";
import { ecsCapacityConfig } from "../aws/ecs-capacity-config.ts";
import { json } from "../core/env.ts";
import { vendorRuntime } from "../vendors/config.ts";

const policy = z.strictObject({
  min: z.number(),
  max: z.number(),
  buffer: z.number(),
  scaleOutCooldownSeconds: z.number(),
  scaleInCooldownSeconds: z.number(),
  maxAddedPerTick: z.number(),
  maxRemovedPerTick: z.number(),
  registrationGraceSeconds: z.number(),
  maxFailedLaunchesPerHour: z.number(),
  departure: z.enum(["by-itself", "by-retirement"]),
});

/** The environment of the autoscale Lambda: encoded by the stack, decoded at cold start. */
export const autoscaleEnv = z.object({
  FLEET: z.string(),
  POLICY: json(policy),
  TICK_SECONDS: json(z.number()),
  VENDOR: json(vendorRuntime),
  CAPACITY: json(ecsCapacityConfig),
  /** ARN of the vendor's API credential; left out where the vendor needs none. */
  API_TOKEN_SECRET_ARN: z.string().optional(),
  /** Table of the run ledger; only in notifications mode. */
  LEDGER_TABLE: z.string().optional(),
  RUN_TTL_SECONDS: json(z.number()).optional(),
});

/** See {@link autoscaleEnv}. */
export type AutoscaleEnv = z.output<typeof autoscaleEnv>;
