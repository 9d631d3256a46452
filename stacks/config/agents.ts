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

/** What is wrong between a number of agents and the ceiling, as "must …". */
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

/** A number of agents, or a percentage of the jobs there are. */
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
  min: wholeNumber(0, 10_000).default(0).describe("The floor: agents that are always there, busy or not."),
  max: wholeNumber(0, 10_000).default(10).describe("The ceiling: never more agents than this, on any path."),
  buffer: agentBuffer
    .default(0)
    .describe('Idle agents kept ready on top of demand, up to `max`: a number, or a share of the jobs such as "20%".'),
  singleUse: z
    .boolean()
    .default(true)
    .describe(
      "Whether an agent takes one job and leaves. A job never meets what another left behind. Always with azure-devops.",
    ),
  idleTimeoutSeconds: wholeNumber(0, 86_400)
    .default(300)
    .describe(
      "Idle time after which an agent above the floor leaves; 0: it never leaves for being idle. Of no effect with " +
        "azure-devops, where the loop retires idle agents.",
    ),
  maxLifetimeSeconds: wholeNumber(300, 1_209_600)
    .default(86_400)
    .describe("Age at which any agent leaves, once its job is done."),
  registrationGraceSeconds: wholeNumber(30, 3600)
    .default(300)
    .describe("How long an agent may take to register, from its start. One that has not leaves by itself."),
};

/** How many agents there are and how long each of them lives. */
export const agents = withRules(z.strictObject({ ...common, maxLifetimeSeconds }), [
  atMostMax("min"),
  atMostMax("buffer"),
]);

/** The same of agents on instances, whose lifetime is the instance's. */
export const instanceAgents = withRules(
  z.strictObject({
    ...common,
    registrationGraceSeconds: common.registrationGraceSeconds.default(600),
    initial: wholeNumber(0, 10_000)
      .optional()
      .describe("Instances that the group starts with when it is made; afterwards the loop decides. Left out: `min`."),
  }),
  [atMostMax("min"), atMostMax("buffer"), atMostMax("initial")],
);

/** How the loop moves towards what is wanted. */
export const scaling = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("`false` stops the loop from launching, stopping and retiring anything; agents that are there go on."),
  tickSeconds: wholeNumber(5, 60).default(10).describe("How often the loop looks while there is demand."),
  scaleInCooldownSeconds: wholeNumber(0, 3600)
    .default(60)
    .describe("Rest after a scale-out before agents are taken out."),
  scaleOutCooldownSeconds: wholeNumber(0, 3600).default(0).describe("Rest after a scale-out before the next one."),
  scaleInAfterObservations: wholeNumber(1, 60)
    .default(1)
    .describe("Agents are retired only when so many looks in a row, `tickSeconds` apart, want fewer."),
  removalOrder: oneOf(removalOrders)
    .default("oldest-first")
    .describe("Which idle agents are retired first. Outdated ones were launched from older settings."),
  maxAddedPerTick: wholeNumber(1, 1000).default(50).describe("Agents launched in one tick, at most."),
  maxRemovedPerTick: wholeNumber(1, 1000).default(10).describe("Agents retired in one tick, at most."),
  maxFailedLaunchesPerHour: wholeNumber(1, 1000)
    .default(20)
    .describe(
      "Launches of one hour that may fail before the circuit opens: nothing more is launched and an alarm tells.",
    ),
});
