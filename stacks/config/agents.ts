import * as z from "zod";
import { type Policy, removalOrders } from "../../handlers/lib/core/policy.ts";
import { isTimeZone, wrongCron } from "../../handlers/lib/core/schedule.ts";
import { presetNames, presets, presetTexts } from "./presets.ts";
import { oneOf, wholeNumber } from "./primitives.ts";
import { withRules } from "./rules.ts";

/** How many agents there are. */
export interface AgentNumbers {
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

/** A config is right or wrong at any time of its synth alike. */
const scheduleFrom = new Date("2026-01-01T00:00:00Z");

const entry = z.strictObject({
  cron: z
    .string()
    .refine((cron) => wrongCron(cron, scheduleFrom) === undefined, {
      error: ({ input }) => wrongCron(String(input), scheduleFrom),
    })
    .describe('When the entry begins: minute, hour, day of month, month, day of week, such as "0 8 * * MON-FRI".'),
  timeZone: z
    .string()
    .refine(isTimeZone, { error: "must be the IANA name of a time zone, such as Europe/Berlin" })
    .default("UTC")
    .describe("The time zone of `cron`, by its IANA name. Summer time is heeded."),
  min: wholeNumber(0, 10_000).optional().describe("Replaces agents.min while the entry holds."),
  buffer: agentBuffer.optional().describe("Replaces agents.buffer while the entry holds."),
});

/** Floors and buffers for times of the day or week. */
export const agentSchedule = z
  .array(entry)
  .max(20, { error: "must have at most 20 entries" })
  .describe(
    "Other floors and buffers at times. Each entry holds from its time until the next entry begins, as scheduled " +
      "actions of AWS do: write one for the begin of working hours, and one for their end. `max` still binds.",
  );

const { maxLifetimeSeconds, ...common } = {
  policy: oneOf(presetNames)
    .default("cheap")
    .describe(
      "How the fleet trades cost for waiting: a set of values for the keys that name it, where the file leaves them " +
        "out. docs/policies.md compares them. `balanced` and `fast` use agents for several jobs.",
    ),
  min: wholeNumber(0, 10_000).default(0).describe("The floor: the fleet always keeps this many agents, busy or idle."),
  max: wholeNumber(0, 10_000).default(10).describe("The ceiling: the fleet never has more agents than this."),
  buffer: agentBuffer
    .default(0)
    .describe('Idle agents kept ready on top of demand, up to `max`: a number, or a share of the jobs such as "20%".'),
  schedule: agentSchedule.default([]),
  singleUse: z
    .boolean()
    .optional()
    .describe(
      "Whether an agent leaves after one job, so that each job starts on a clean agent. Always true with azure-devops. " +
        `Left out: ${presetTexts("singleUse")}.`,
    ),
  idleTimeoutSeconds: wholeNumber(0, 86_400)
    .optional()
    .describe(
      "Idle time after which an agent above the floor leaves; 0: idle agents stay. Has no effect with " +
        `azure-devops, where the loop retires idle agents. Left out: ${presetTexts("idleTimeoutSeconds")}.`,
    ),
  maxLifetimeSeconds: wholeNumber(300, 1_209_600)
    .default(86_400)
    .describe("Age at which an agent leaves, once its job is done."),
  registrationGraceSeconds: wholeNumber(30, 3600)
    .default(300)
    .describe("How long an agent may take to register, from its start. One that has not leaves by itself."),
};

interface AgentsByPolicy {
  readonly policy: keyof typeof presets;
  readonly singleUse?: boolean | undefined;
  readonly idleTimeoutSeconds?: number | undefined;
}

/** Explicit keys win over those of the policy. */
function withPreset<Agents extends AgentsByPolicy>(agents: Agents) {
  const { singleUse, idleTimeoutSeconds } = presets[agents.policy];
  return {
    ...agents,
    singleUse: agents.singleUse ?? singleUse,
    idleTimeoutSeconds: agents.idleTimeoutSeconds ?? idleTimeoutSeconds,
  };
}

/** See {@link agentSchedule}. */
export type Schedule = z.output<typeof agentSchedule>;

/** The error about numbers of a schedule above the ceiling, or about one that never ends, as "must …". */
export function wrongSchedule(agents: AgentNumbers & { readonly schedule: Schedule }): string | undefined {
  if (agents.schedule.length === 1) return "must have a second entry: one holds until the next begins";
  for (const { cron, min = agents.min, buffer = agents.buffer } of agents.schedule) {
    const wrong = tooManyAgents("min", { ...agents, min }) ?? tooManyAgents("buffer", { ...agents, buffer });
    if (wrong) return `must have min and buffer that fit: ${wrong.replace(/^must /, "they must ")} (entry ${cron})`;
  }
  return undefined;
}

const scheduleFits = {
  path: ["schedule"],
  reads: [["schedule"], ["min"], ["buffer"], ["max"]],
  check: wrongSchedule,
};

/** The size of the fleet and the lifetime of its agents. */
export const agents = withRules(z.strictObject({ ...common, maxLifetimeSeconds }), [
  atMostMax("min"),
  atMostMax("buffer"),
  scheduleFits,
]).transform(withPreset);

/** The same for agents on instances. They live as long as their instance. */
export const instanceAgents = withRules(
  z.strictObject({
    ...common,
    registrationGraceSeconds: common.registrationGraceSeconds.default(600),
    initial: wholeNumber(0, 10_000)
      .optional()
      .describe("Instances in the group when Terraform creates it; afterwards the loop decides. Left out: `min`."),
  }),
  [atMostMax("min"), atMostMax("buffer"), atMostMax("initial"), scheduleFits],
).transform(withPreset);

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
  launchPercent: wholeNumber(100, 300)
    .optional()
    .describe(
      "Agents launched for 100 waiting jobs, rounded down: more than 100, and jobs need not wait for the slowest of " +
        `their agents to boot. Left out: ${presetTexts("launchPercent")}.`,
    ),
  forecastPercent: wholeNumber(0, 500)
    .optional()
    .describe(
      "Idle agents kept for the growth of demand while an agent boots, if they are more than `agents.buffer`: percent " +
        "of the growth that the last ten minutes let expect (one standard deviation). 0: none. " +
        `Left out: ${presetTexts("forecastPercent")}.`,
    ),
  maxAddedPerTick: wholeNumber(1, 1000)
    .optional()
    .describe(`Most agents launched in one tick. Left out: ${presetTexts("maxAddedPerTick")}.`),
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
