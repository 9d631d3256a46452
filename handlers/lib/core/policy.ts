import * as z from "zod";

/** Which idle agents are retired first. */
export const removalOrders = ["oldest-first", "outdated-first", "longest-idle-first"] as const;

/** Idle agents kept ready on top of demand: a number, or a percentage of the present jobs, rounded up. */
const buffer = z.union([z.number(), z.strictObject({ percent: z.number() })]);

/** The scaling rules of a fleet, in seconds and counts, from `agents` and `scaling` of the config file. */
export const policySchema = z.strictObject({
  /** `false`: the loop launches, stops and retires nothing. */
  enabled: z.boolean(),
  min: z.number(),
  max: z.number(),
  buffer,
  /** Other values for `min` and `buffer` at times; see schedule.ts. Left out: none. */
  schedule: z
    .array(
      z.strictObject({
        /** When the entry begins: five fields. */
        cron: z.string(),
        /** IANA name. */
        timeZone: z.string(),
        min: z.number().optional(),
        buffer: buffer.optional(),
      }),
    )
    .optional(),
  /** Agents launched for 100 waiting jobs, so that jobs do not wait for the slowest of their agents: 100 or more. */
  launchPercent: z.number(),
  /**
   * Idle agents kept for the growth of demand while an agent boots, if they are more than `buffer`: so many percent of
   * the forecast; see traffic.ts. 0: none.
   */
  forecastPercent: z.number(),
  scaleOutCooldownSeconds: z.number(),
  scaleInCooldownSeconds: z.number(),
  /** Observations in a row, this one included, that must ask for fewer agents before the loop retires any. */
  scaleInAfterObservations: z.number(),
  removalOrder: z.enum(removalOrders),
  maxAddedPerTick: z.number(),
  /** Retirements and stops alike, so that one misleading answer cannot empty a fleet at once. */
  maxRemovedPerTick: z.number(),
  /** How long a launched agent may take to register. */
  registrationGraceSeconds: z.number(),
  /** Fewer failed launches within an hour never open the circuit. */
  maxFailedLaunchesPerHour: z.number(),
  /** Nor does a smaller share of the hour's launches. */
  maxFailedLaunchesPercent: z.number(),
  /** While the circuit is open, the loop tries one launch after this time without any. */
  circuitTrialSeconds: z.number(),
  /** Agents leave after one job. */
  singleUse: z.boolean(),
  /** Whether surplus agents leave by their own idle timeout, or are retired by the loop. */
  departure: z.enum(["by-itself", "by-retirement"]),
  /** Whether the fleet has a retirement workflow. Without one, agents only leave by themselves. */
  canRetire: z.boolean(),
  /** How long an agent may live, if only the loop can end it: neither the agent nor its capacity does. */
  maxLifetimeSeconds: z.number().optional(),
  /** Share of the agents to replace at the same time, at least one. Left out: outdated agents stay. */
  renewAtOncePercent: z.number().optional(),
});

/** See {@link policySchema}. */
export type Policy = Readonly<z.output<typeof policySchema>>;
