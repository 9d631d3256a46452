import { agentNamePrefix } from "../lib/core/agents.ts";
import { VendorApiError } from "../lib/core/errors.ts";
import type { Agent, Decision } from "../lib/core/model.ts";
import type { VendorAgent } from "../lib/core/ports.ts";
import type { RetirementReason } from "../lib/core/retirement.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { type Observation, readRoster } from "./observe.ts";

const secondLookMilliseconds = 10_000;

/** What came of a decision. */
export interface Outcome {
  readonly launched: number;
  readonly launchFailures: number;
  readonly stopped: number;
  readonly retired: number;
  readonly vendorApiErrors: number;
  /** What must fail the pass. */
  readonly errors: readonly Error[];
}

interface Step {
  readonly done: number;
  readonly errors: readonly Error[];
}

/**
 * Carries a decision out, launches first: what fails for one agent must not keep others from starting. Never throws, so
 * that what was done gets counted.
 */
export async function act(
  deps: AutoscaleDeps,
  decision: Decision,
  { ghosts, newcomers, vendorAgents }: Pick<Observation, "ghosts" | "newcomers" | "vendorAgents">,
): Promise<Outcome> {
  const marked = await attempt(async () => {
    if (newcomers.length > 0) await deps.capacity.markRegistered?.(newcomers);
  });
  const launches = await launch(deps, decision);
  const stops = await stopUnregistered(deps, decision);
  const retirements = await startRetirements(deps, decision.retire, "scale-in");
  const resumed = await startRetirements(deps, decision.resume, "stranded");
  const dismissed = await startRetirements(deps, decision.dismiss, "dismissed");
  const assigned = await assignRoles(deps, decision.assignRoles);
  const queue = await attempt(async () => {
    if (vendorAgents !== undefined) await deps.vendor.keepQueueOpen?.(vendorAgents);
  });
  const ghostErrors = await removeGhosts(deps, ghosts);
  const errors = [marked, launches, stops, retirements, resumed, dismissed, assigned, queue].flatMap(
    (step) => step.errors,
  );
  return {
    launched: launches.done,
    launchFailures: launches.failures,
    stopped: stops.done,
    retired: retirements.done + resumed.done + dismissed.done,
    vendorApiErrors: [...errors, ...ghostErrors].filter((error) => error instanceof VendorApiError).length,
    errors,
  };
}

async function launch(deps: AutoscaleDeps, decision: Decision): Promise<Step & { readonly failures: number }> {
  const { capacity, fleet, log, newSuffix } = deps;
  if (decision.launch.length === 0) return { done: 0, failures: 0, errors: [] };
  const requests = decision.launch.map((role) => ({ role, agentName: `${agentNamePrefix(fleet)}${newSuffix()}` }));
  try {
    const report = await capacity.launch(requests);
    for (const failure of report.failures) log.warn("launch failed", { ...failure });
    // What AWS refuses for a wrong setting it refuses for ever: the pass fails so that the alarm fires.
    const wrongSettings = report.failures.filter(({ kind }) => kind === "configuration");
    return {
      done: report.launched,
      failures: report.failures.reduce((sum, { count }) => sum + count, 0),
      errors: wrongSettings.map(({ message }) => new Error(`agents cannot launch: ${message}`)),
    };
  } catch (error) {
    return { done: 0, failures: requests.length, errors: [toError(error)] };
  }
}

/**
 * Looks again after a moment and right before acting. An agent that has registered meanwhile may have a job already; one
 * that has just left only looks as if it had never come, until ECS notices that its container ended.
 */
async function stopUnregistered(deps: AutoscaleDeps, { stop: agents, circuitOpen }: Decision): Promise<Step> {
  if (agents.length === 0) return { done: 0, errors: [] };
  try {
    await deps.clock.sleep(secondLookMilliseconds);
    const roster = await readRoster(deps);
    const offline = new Set(roster.agents.filter(({ state }) => state === "offline").map(({ name }) => name));
    const stillOffline = agents.filter((agent) => offline.has(agent.name));
    return await forEachAgent(deps, stillOffline, "stopping an agent that never registered", (agent) =>
      deps.capacity.stopUnregistered(agent.capacityId, { mayReplace: !circuitOpen }),
    );
  } catch (error) {
    return { done: 0, errors: [toError(error)] };
  }
}

async function startRetirements(
  deps: AutoscaleDeps,
  agents: readonly Agent[],
  reason: RetirementReason,
): Promise<Step> {
  const { retirements } = deps;
  if (retirements === undefined) return { done: 0, errors: [] };
  return forEachAgent(deps, agents, `starting a retirement (${reason})`, (agent) => retirements.start(agent, reason));
}

async function assignRoles(deps: AutoscaleDeps, assignments: Decision["assignRoles"]): Promise<Step> {
  const roles = new Map(assignments.map(({ agent, role }) => [agent, role]));
  return forEachAgent(deps, [...roles.keys()], "assigning a role", async (agent) => {
    const role = roles.get(agent);
    if (role) await deps.capacity.assignRole?.(agent.capacityId, role);
  });
}

async function forEachAgent(
  { log }: AutoscaleDeps,
  agents: readonly Agent[],
  what: string,
  step: (agent: Agent) => Promise<void>,
): Promise<Step> {
  const errors: Error[] = [];
  for (const agent of agents) {
    log.info(what, { agent: agent.name, launchedAt: agent.launchedAt });
    try {
      await step(agent);
    } catch (error) {
      errors.push(new Error(`${what} failed for ${agent.name}`, { cause: error }));
    }
  }
  return { done: agents.length - errors.length, errors };
}

async function attempt(step: () => Promise<void>): Promise<Step> {
  try {
    await step();
    return { done: 1, errors: [] };
  } catch (error) {
    return { done: 0, errors: [toError(error)] };
  }
}

/** Ghosts only clutter the vendor's list: not being able to delete one is told, but fails nothing. */
async function removeGhosts(
  { vendor, policy, log }: AutoscaleDeps,
  ghosts: readonly VendorAgent[],
): Promise<readonly Error[]> {
  for (const ghost of ghosts.slice(0, policy.maxRemovedPerTick)) {
    try {
      await vendor.removeAgent(ghost.id);
    } catch (error) {
      log.warn("could not remove the record of an agent that is gone", { agent: ghost.name, error });
      return [toError(error)];
    }
  }
  return [];
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
