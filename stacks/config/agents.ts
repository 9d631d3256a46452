import * as z from "zod";
import { type Policy, removalOrders } from "../../handlers/lib/core/policy.ts";
import { oneOf, wholeNumber } from "./primitives.ts";
import { withRules } from "./rules.ts";

interface AgentNumbers {
  readonly min: number;
  readonly buffer: Policy["buffer"];
  readonly max: number;
  readonly initial?: number | undefined;
}

/** The error about a number of agents above the ceiling, as "must …". */
export function tooManyAgents(key: "min" | "buffer" | "initial", agents: AgentNumbers): string | undefined {
  const value = agents[key];
  return typeof value === "number" && value > agents.max
    ? `must not be more than agents.max, which is ${agents.max}`
    : undefined;
}

const atMostMax = (key: "min" | "buffer" | "initial") => ({
  path: [key],
  reads: [[key], ["max"]],
  check: (agents: AgentNumbers) => tooManyAgents(key, agents),
});

const bufferError = { error: 'must be a whole number from 0 to 10000 or a percentage in quotes, such as "20%"' };

/** A number of agents, or a percentage of the present jobs. */
export const agentBuffer = z.union(
  [
    wholeNumber(0, 10_000),
    z
      .string()
      .regex(/^(?:[1-9][0-9]{0,2}|1000)%$/)
      .transform((text) => ({ percent: Number(text.slice(0, -1)) })),
  ],
  bufferError,
);

const { maxLifetimeSeconds, ...common } = {
  min: wholeNumber(0, 10_000).default(0).describe("The floor: the fleet always keeps this many agents, busy or idle."),
  max: wholeNumber(0, 10_000).default(10).describe("The ceiling: the fleet never has more agents than this."),
  buffer: agentBuffer
    .default(0)
    .describe('Idle agents kept ready on top of demand, up to `max`: a number, or a share of the jobs such as "20%".'),
  singleUse: z
    .boolean()
    .default(true)
    .describe(
      "Whether an agent leaves after one job, so that each job starts on a clean agent. Always true with azure-devops.",
    ),
  idleTimeoutSeconds: wholeNumber(0, 86_400)
    .default(300)
    .describe(
      "Idle time after which an agent above the floor leaves; 0: idle agents stay. Has no effect with " +
        "azure-devops, where the loop retires idle agents.",
    ),
  maxLifetimeSeconds: wholeNumber(300, 1_209_600)
    .default(86_400)
    .describe("Age at which an agent leaves, once its job is done."),
  registrationGraceSeconds: wholeNumber(30, 3600)
    .default(300)
    .describe("How long an agent may take to register, from its start. One that has not leaves by itself."),
};

/** The size of the fleet and the lifetime of its agents. */
export const agents = withRules(z.strictObject({ ...common, maxLifetimeSeconds }), [
  atMostMax("min"),
  atMostMax("buffer"),
]);

/** The same for agents on instances. They live as long as their instance. */
export const instanceAgents = withRules(
  z.strictObject({
    ...common,
    registrationGraceSeconds: common.registrationGraceSeconds.default(600),
    initial: wholeNumber(0, 10_000)
      .optional()
      .describe("Instances in the group when Terraform creates it; afterwards the loop decides. Left out: `min`."),
  }),
  [atMostMax("min"), atMostMax("buffer"), atMostMax("initial")],
);

/** How fast the loop adds and removes agents. */
export const scaling = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("`false` stops the loop from launching, stopping and retiring agents; existing agents keep working."),
  tickSeconds: wholeNumber(5, 60)
    .default(10)
    .describe("Seconds between two looks of the loop while something waits. Without a webhook that calls: always."),
  scaleInCooldownSeconds: wholeNumber(0, 3600)
    .default(60)
    .describe("Seconds after a scale-out before the loop retires agents."),
  scaleOutCooldownSeconds: wholeNumber(0, 3600).default(0).describe("Seconds between two scale-outs."),
  scaleInAfterObservations: wholeNumber(1, 60)
    .default(1)
    .describe(
      "Observations in a row, `tickSeconds` apart, that must ask for fewer agents before the loop retires any.",
    ),
  removalOrder: oneOf(removalOrders)
    .default("oldest-first")
    .describe("Which idle agents the loop retires first. Outdated agents were launched from older settings."),
  maxAddedPerTick: wholeNumber(1, 1000).default(50).describe("Most agents launched in one tick."),
  maxRemovedPerTick: wholeNumber(1, 1000).default(10).describe("Most agents retired in one tick."),
  maxFailedLaunchesPerHour: wholeNumber(1, 1000)
    .default(20)
    .describe(
      "So many failed launches within one hour open the circuit, if they are also `maxFailedLaunchesPercent` of the " +
        "launches: the loop then only tries one launch now and then, and an alarm rings.",
    ),
  maxFailedLaunchesPercent: wholeNumber(1, 100)
    .default(50)
    .describe(
      "Share of the launches of one hour, or of those since the last that worked, that must have failed to open the " +
        "circuit, in percent.",
    ),
  circuitTrialSeconds: wholeNumber(30, 3600)
    .default(300)
    .describe(
      "Seconds without a launch after which the loop tries one while the circuit is open. One that works closes it.",
    ),
});
