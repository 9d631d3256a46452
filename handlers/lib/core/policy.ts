import * as z from "zod";

/** Which of the idle agents can be retired first. */
export const removalOrders = ["oldest-first", "outdated-first", "longest-idle-first"] as const;

/** The rules of a fleet. Seconds and counts; sources: `agents` and `scaling` of the config file. */
export const policySchema = z.strictObject({
  /** `false`: nothing is launched, stopped or retired. */
  enabled: z.boolean(),
  min: z.number(),
  max: z.number(),
  /** Idle agents kept ready on top of demand: a number, or a percentage of the jobs there are, rounded up. */
  buffer: z.union([z.number(), z.strictObject({ percent: z.number() })]),
  scaleOutCooldownSeconds: z.number(),
  scaleInCooldownSeconds: z.number(),
  /** Agents are retired only when so many observations in a row, this one included, want fewer. */
  scaleInAfterObservations: z.number(),
  removalOrder: z.enum(removalOrders),
  maxAddedPerTick: z.number(),
  /** Retirements and stops alike, so that one misleading answer cannot empty a fleet at once. */
  maxRemovedPerTick: z.number(),
  /** How long a launched agent may take to register. */
  registrationGraceSeconds: z.number(),
  /** With this many failed launches within an hour the circuit is open: nothing more is launched. */
  maxFailedLaunchesPerHour: z.number(),
  /** Agents leave after one job. */
  singleUse: z.boolean(),
  /** Whether surplus agents leave by their own idle timeout, or are retired by the loop. */
  departure: z.enum(["by-itself", "by-retirement"]),
  /** Whether the fleet has a retirement workflow; without one agents only ever leave by themselves. */
  canRetire: z.boolean(),
  /** How long an agent may live, where the loop has to end it: neither the agent nor its capacity does. */
  maxLifetimeSeconds: z.number().optional(),
  /** Share of the agents that may be replaced at the same time, at least one. Left out: outdated agents stay. */
  renewAtOncePercent: z.number().optional(),
});

/** See {@link policySchema}. */
export type Policy = Readonly<z.output<typeof policySchema>>;
