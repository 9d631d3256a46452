import { joinAgents } from "../core/agents.ts";
import { VendorApiError } from "../core/errors.ts";
import type { Agent, Decision, Policy, Snapshot } from "../core/model.ts";
import type { Capacity, Clock, Log, Metrics, Retirements, Vendor, VendorAgent } from "../core/ports.ts";
import { countStates, decide } from "../core/scaling.ts";

/** What a pass of the loop works with. */
export interface AutoscaleDeps {
  readonly fleet: string;
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly vendor: Vendor;
  readonly capacity: Capacity;
  /** Only for fleets whose policy says `by-retirement`. */
  readonly retirements?: Retirements;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A new, unique suffix for an agent's name: letters and digits. */
  readonly newSuffix: () => string;
}

/** How a pass ended. */
export interface PassResult {
  readonly ticks: number;
  readonly lastDecision: Decision;
}

/**
 * A pass ticks for less than a minute: the next schedule event continues it, and its wake-ups are dropped meanwhile.
 * What is left of the minute is room for the last tick's calls.
 */
const passMilliseconds = 50_000;

/**
 * One pass: observe, decide, act, every `tickSeconds` while there is demand or anything in motion, once when quiet.
 * Level-triggered, so a pass that fails leaves nothing behind that the next one has to know.
 *
 * @throws whatever a tick threw, after logging and counting it: the Errors metric must see it.
 */
export async function runPass(deps: AutoscaleDeps): Promise<PassResult> {
  const { clock } = deps;
  const startedAt = clock.now().getTime();
  for (let ticks = 1; ; ticks += 1) {
    const tickStartedAt = clock.now().getTime();
    const { decision, quiet } = await tick(deps);
    const nextTickAt = tickStartedAt + deps.tickSeconds * 1000;
    if (quiet || nextTickAt - startedAt >= passMilliseconds) return { ticks, lastDecision: decision };
    await clock.sleep(Math.max(0, nextTickAt - clock.now().getTime()));
  }
}

/** What came of a decision. */
interface Outcome {
  readonly launched: number;
  readonly launchFailures: number;
  readonly errors: readonly Error[];
}

async function tick(deps: AutoscaleDeps): Promise<{ decision: Decision; quiet: boolean }> {
  const { clock } = deps;
  const startedAt = clock.now();
  try {
    const { snapshot, ghosts } = await observe(deps);
    const decision = decide(snapshot, deps.policy, clock.now());
    const outcome = await act(deps, decision);
    await removeGhosts(deps, ghosts);
    report(deps, snapshot, decision, outcome, startedAt);
    if (outcome.errors.length > 0) throw new AggregateError(outcome.errors, "the tick did not get everything done");
    return { decision, quiet: isQuiet(snapshot, decision) };
  } catch (error) {
    if (error instanceof VendorApiError) deps.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

/** The one log line and the one metrics record of a tick. */
function report(
  { clock, log, metrics }: AutoscaleDeps,
  { demand, agents }: Snapshot,
  decision: Decision,
  { launched, launchFailures }: Outcome,
  startedAt: Date,
): void {
  const count = countStates(agents);
  const secondsSince = (from: Date) => Math.max(0, (clock.now().getTime() - from.getTime()) / 1000);
  log.info("decision", {
    action: decision.action,
    reason: decision.reason,
    wanted: decision.wanted,
    supply: decision.supply,
    queued: demand.queued,
    running: demand.running,
    agents: count,
    launched,
    stopping: decision.stop.map((agent) => agent.name),
    retiring: decision.retire.map((agent) => agent.name),
  });
  metrics.record({
    JobsQueued: demand.queued,
    JobsRunning: demand.running,
    OldestQueuedSeconds: demand.oldestQueuedAt ? secondsSince(demand.oldestQueuedAt) : 0,
    AgentsStarting: count.starting,
    AgentsIdle: count.idle,
    AgentsBusy: count.busy,
    AgentsUnclear: count.unclear,
    AgentsRetiring: count.retiring,
    AgentsOffline: count.offline,
    AgentsWanted: decision.wanted,
    Launched: launched,
    LaunchFailures: launchFailures + decision.stop.length,
    Retired: decision.retire.length,
    VendorApiErrors: 0,
    CircuitOpen: decision.circuitOpen ? 1 : 0,
    AtCeiling: decision.atCeiling ? 1 : 0,
    TickSeconds: secondsSince(startedAt),
  });
}

/**
 * The vendor's agents are read before its jobs: a job that starts in between is then seen as running on an agent that
 * was idle, never as queued and running at once.
 */
async function observe(deps: AutoscaleDeps): Promise<{ snapshot: Snapshot; ghosts: readonly VendorAgent[] }> {
  const { capacity, vendor, policy } = deps;
  const { members, failedLaunchesLastHour } = await capacity.read();
  const vendorAgents = await vendor.listAgents();
  const demand = await vendor.readDemand();
  const { agents, ghosts } = joinAgents({
    members,
    vendorAgents,
    namePrefix: namePrefix(deps.fleet),
    registrationGraceSeconds: policy.registrationGraceSeconds,
    now: deps.clock.now(),
  });
  return { snapshot: { demand, agents, failedLaunchesLastHour }, ghosts };
}

/** Launches first: what then fails for one agent must not keep others from starting. */
async function act(deps: AutoscaleDeps, decision: Decision): Promise<Outcome> {
  const { capacity, log, retirements } = deps;
  const launchErrors: Error[] = [];
  let launched = 0;
  let launchFailures = 0;
  if (decision.launch.length > 0) {
    const report = await capacity.launch(decision.launch.map((role) => ({ role, agentName: newName(deps) })));
    launched = report.launched;
    for (const failure of report.failures) {
      log.warn("launch failed", { ...failure });
      launchFailures += failure.count;
      // A launch that AWS refuses for a wrong setting is refused for ever: the pass fails so that the alarm fires.
      if (failure.kind === "configuration") launchErrors.push(new Error(`agents cannot launch: ${failure.message}`));
    }
  }
  const stopErrors = await forEachAgent(
    await stillAbsent(deps, decision.stop),
    "stopping an agent that never registered",
    deps,
    (agent) => capacity.stopUnregistered(agent.capacityId),
  );
  const retireErrors = retirements
    ? await forEachAgent(decision.retire, "starting a retirement", deps, (agent) => retirements.start(agent))
    : [];
  return { launched, launchFailures, errors: [...launchErrors, ...stopErrors, ...retireErrors] };
}

/** Asks again right before acting: an agent that has registered meanwhile may have a job already. */
async function stillAbsent({ vendor }: AutoscaleDeps, agents: readonly Agent[]): Promise<readonly Agent[]> {
  if (agents.length === 0) return [];
  const registered = await vendor.listAgents();
  if (registered === undefined) return [];
  const names = new Set(registered.map((agent) => agent.name));
  return agents.filter((agent) => !names.has(agent.name));
}

async function forEachAgent(
  agents: readonly Agent[],
  what: string,
  { log }: AutoscaleDeps,
  act: (agent: Agent) => Promise<void>,
): Promise<Error[]> {
  const errors: Error[] = [];
  for (const agent of agents) {
    log.info(what, { agent: agent.name, launchedAt: agent.launchedAt });
    try {
      await act(agent);
    } catch (error) {
      log.error(`${what} failed`, { agent: agent.name, error: String(error) });
      errors.push(new Error(`${what} failed for ${agent.name}`, { cause: error }));
    }
  }
  return errors;
}

/** Ghosts only clutter the vendor's list: not being able to delete one must not fail the pass. */
async function removeGhosts({ vendor, policy, log }: AutoscaleDeps, ghosts: readonly VendorAgent[]): Promise<void> {
  for (const ghost of ghosts.slice(0, policy.maxRemovedPerTick)) {
    try {
      await vendor.removeAgent(ghost.id);
    } catch (error) {
      log.warn("could not remove the record of an agent that is gone", { agent: ghost.name, error: String(error) });
      return;
    }
  }
}

function isQuiet({ demand, agents }: Snapshot, decision: Decision): boolean {
  const inMotion = agents.some((agent) => agent.state !== "idle" && agent.state !== "unclear");
  return demand.queued === 0 && demand.running === 0 && decision.action === "hold" && !inMotion;
}

/** All agents of one fleet share it; stack names hold no underscore, so no fleet's prefix starts another's. */
function namePrefix(fleet: string): string {
  return `${fleet}_`;
}

function newName({ fleet, newSuffix }: AutoscaleDeps): string {
  return `${namePrefix(fleet)}${newSuffix()}`;
}
