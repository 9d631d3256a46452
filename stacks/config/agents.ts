import * as z from "zod";
import { wholeNumber } from "./primitives.ts";
import { withRules } from "./rules.ts";

const atMostMax = (key: "min" | "buffer") => ({
  path: [key],
  reads: [[key], ["max"]],
  check: (agents: Record<typeof key | "max", number>) =>
    agents[key] > agents.max ? `must not be more than agents.max, which is ${agents.max}` : undefined,
});

/** How many agents there are and how long each of them lives. */
export const agents = withRules(
  z.strictObject({
    min: wholeNumber(0, 10_000).default(0).describe("The floor: agents that are always there, busy or not."),
    max: wholeNumber(0, 10_000).default(10).describe("The ceiling: never more agents than this, on any path."),
    buffer: wholeNumber(0, 10_000).default(0).describe("Idle agents kept ready on top of demand, up to `max`."),
    singleUse: z
      .boolean()
      .default(true)
      .describe("Whether an agent takes one job and leaves. A job never meets what another left behind."),
    idleTimeoutSeconds: wholeNumber(0, 86_400)
      .default(300)
      .describe("Idle time after which an agent above the floor leaves; 0: it never leaves for being idle."),
    maxLifetimeSeconds: wholeNumber(300, 1_209_600)
      .default(86_400)
      .describe("Age at which any agent leaves, once its job is done."),
    registrationGraceSeconds: wholeNumber(30, 3600)
      .default(300)
      .describe("How long a launched agent may take to register before it is replaced."),
  }),
  [atMostMax("min"), atMostMax("buffer")],
);

/** How the loop moves towards what is wanted. */
export const scaling = z.strictObject({
  tickSeconds: wholeNumber(5, 60).default(10).describe("How often the loop looks while there is demand."),
  scaleInCooldownSeconds: wholeNumber(0, 3600).default(60).describe("Rest between two scale-ins."),
  scaleOutCooldownSeconds: wholeNumber(0, 3600).default(0).describe("Rest between two scale-outs."),
  maxAddedPerTick: wholeNumber(1, 1000).default(50).describe("Agents launched in one tick, at most."),
  maxRemovedPerTick: wholeNumber(1, 1000).default(10).describe("Agents retired in one tick, at most."),
  maxFailedLaunchesPerHour: wholeNumber(1, 1000)
    .default(20)
    .describe(
      "Launches of one hour that may fail before the circuit opens: nothing more is launched and an alarm tells.",
    ),
  singleFlight: z
    .boolean()
    .default(true)
    .describe(
      "Whether one concurrent execution is reserved for the loop, so that passes never overlap. " +
        "Turn off only where the account has no concurrency to reserve.",
    ),
});
