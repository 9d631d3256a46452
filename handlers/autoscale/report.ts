import type { Agent, AgentState, Decision } from "../lib/core/model.ts";
import type { Overrides } from "../lib/core/overrides.ts";
import type { Clock, Log, Metrics } from "../lib/core/ports.ts";
import { countStates } from "../lib/core/supply.ts";
import type { Outcome } from "./act.ts";
import type { Observation } from "./observe.ts";

/** Writes the log line of a tick, before the tick acts. */
export function logDecision(
  { log, poolName }: { readonly log: Log; readonly poolName: string },
  {
    snapshot: { demand, agents },
    newLaunchFailures = [],
    newShortages = [],
    fallback,
    foreign,
  }: Pick<Observation, "snapshot" | "newLaunchFailures" | "newShortages" | "fallback" | "foreign">,
  decision: Decision,
  { limits, pause, drain }: Overrides = {},
): void {
  for (const failure of newLaunchFailures) log.warn("a launch failed after AWS had accepted it", { ...failure });
  for (const shortage of newShortages) log.info("AWS has no room for agents", { ...shortage });
  log.info("decision", {
    pool: poolName,
    action: decision.action,
    reason: decision.reason,
    wanted: decision.wanted,
    supply: decision.supply,
    queued: demand.queued,
    running: demand.running,
    demandPartial: demand.partial,
    unmatched: demand.unmatched,
    agents: countStates(agents),
    states: namesByState(agents),
    foreign,
    unseen: agents.filter(({ state }) => state === "unseen").map(({ name }) => name),
    atCeiling: decision.atCeiling,
    launching: decision.launch.length,
    onDemandFallback: fallback?.active,
    withdrawing: decision.withdraw,
    retiring: decision.retire.map(({ agent, reason }) => `${agent.name} (${reason})`),
    scalingIn: decision.scaleIn.count,
    discarding: decision.discard.map((agent) => agent.name),
    paused: pause,
    limits,
    drain,
  });
}

/** The names of the agents in each state that has any: `fleet status` shows them from here, without the vendor's token. */
function namesByState(agents: readonly Agent[]): Partial<Record<AgentState, string[]>> {
  const names: Partial<Record<AgentState, string[]>> = {};
  for (const { state, name } of agents) {
    names[state] ??= [];
    names[state].push(name);
  }
  return names;
}

/** Writes the metrics record of a tick that observed everything. */
export function recordTick(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
  tick: {
    readonly observation: Pick<Observation, "snapshot" | "newLaunchFailures" | "fallback" | "waits">;
    readonly decision: Decision;
    readonly outcome: Outcome;
    readonly startedAt: Date;
    readonly paused: boolean;
    /** The limit in force. */
    readonly max: number;
    /** `undefined`: nobody knows. */
    readonly imageBuiltAt?: Date | undefined;
  },
): void {
  const { decision, outcome, startedAt } = tick;
  const { snapshot, newLaunchFailures = [], fallback } = tick.observation;
  const { demand, agents } = snapshot;
  const failedLate = newLaunchFailures.reduce((sum, { count }) => sum + count, 0);
  const count = countStates(agents);
  const now = clock.now();
  metrics.record({
    JobsQueued: demand.queued,
    JobsRunning: demand.running,
    OldestQueuedSeconds: demand.oldestQueuedAt ? secondsBetween(demand.oldestQueuedAt, now) : 0,
    QueueWaitSeconds: tick.observation.waits,
    QueuedWithoutAgents: demand.queued > 0 && count.idle + count.busy + count.unclear === 0 ? 1 : 0,
    ...(demand.partial && { DemandPartial: 1 }),
    ...(demand.unmatched && { JobsUnmatched: demand.unmatched.jobs }),
    AgentsOrdered: count.ordered,
    AgentsStarting: count.starting,
    AgentsIdle: count.idle,
    AgentsBusy: count.busy,
    AgentsUnclear: count.unclear,
    AgentsUnseen: count.unseen,
    AgentsRetiring: count.retiring,
    AgentsOffline: count.offline,
    AgentsOutdated: agents.filter(({ outdated }) => outdated).length,
    AgentsRunning: agents.length - count.ordered,
    AgentsWanted: decision.wanted,
    AgentsMax: tick.max,
    BootSeconds: snapshot.boots ?? [],
    ...(tick.imageBuiltAt && { ImageAgeSeconds: secondsBetween(tick.imageBuiltAt, now) }),
    Launched: outcome.launched,
    LaunchFailures: outcome.launchFailures + failedLate,
    RetirementsStarted: outcome.retirementsStarted,
    VendorApiErrors: outcome.vendorApiErrors,
    CircuitOpen: decision.circuitOpen ? 1 : 0,
    AtCeiling: decision.atCeiling ? 1 : 0,
    ...(tick.paused && { Paused: 1 }),
    ...(fallback && { OnDemandFallback: fallback.active ? 1 : 0 }),
    TickSeconds: secondsBetween(startedAt, now),
  });
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1000);
}
