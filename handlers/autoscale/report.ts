import type { Decision, Snapshot } from "../lib/core/model.ts";
import type { Clock, Log, Metrics } from "../lib/core/ports.ts";
import { countStates } from "../lib/core/scaling.ts";
import type { Outcome } from "./act.ts";

/** The one log line of a tick, written before anything is done. */
export function logDecision(
  { log, fleet }: { readonly log: Log; readonly fleet: string },
  { demand, agents }: Snapshot,
  decision: Decision,
): void {
  log.info("decision", {
    fleet,
    action: decision.action,
    reason: decision.reason,
    wanted: decision.wanted,
    supply: decision.supply,
    queued: demand.queued,
    running: demand.running,
    unmatched: demand.unmatched,
    agents: countStates(agents),
    launching: decision.launch.length,
    stopping: decision.stop.map((agent) => agent.name),
    retiring: decision.retire.map((agent) => agent.name),
    resuming: decision.resume.map((agent) => agent.name),
    dismissing: decision.dismiss.map((agent) => agent.name),
  });
}

/** The one metrics record of a tick that saw everything. */
export function recordTick(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
  tick: {
    readonly snapshot: Snapshot;
    readonly decision: Decision;
    readonly outcome: Outcome;
    readonly startedAt: Date;
  },
): void {
  const { decision, outcome, startedAt } = tick;
  const { demand, agents } = tick.snapshot;
  const count = countStates(agents);
  const secondsSince = (from: Date) => Math.max(0, (clock.now().getTime() - from.getTime()) / 1000);
  metrics.record({
    JobsQueued: demand.queued,
    JobsRunning: demand.running,
    OldestQueuedSeconds: demand.oldestQueuedAt ? secondsSince(demand.oldestQueuedAt) : 0,
    QueuedWithoutAgents: demand.queued > 0 && count.idle + count.busy + count.unclear === 0 ? 1 : 0,
    ...(demand.unmatched && { JobsUnmatched: demand.unmatched.jobs }),
    AgentsStarting: count.starting,
    AgentsIdle: count.idle,
    AgentsBusy: count.busy,
    AgentsUnclear: count.unclear,
    AgentsRetiring: count.retiring,
    AgentsOffline: count.offline,
    AgentsWanted: decision.wanted,
    Launched: outcome.launched,
    LaunchFailures: outcome.launchFailures + outcome.stopped,
    Retired: outcome.retired,
    VendorApiErrors: outcome.vendorApiErrors,
    CircuitOpen: decision.circuitOpen ? 1 : 0,
    AtCeiling: decision.atCeiling ? 1 : 0,
    TickSeconds: secondsSince(startedAt),
  });
}
