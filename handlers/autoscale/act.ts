import { agentNamePrefix } from "../lib/core/agents.ts";
import { VendorApiError } from "../lib/core/errors.ts";
import type { Agent, Decision, Retiree } from "../lib/core/model.ts";
import type { VendorAgent } from "../lib/core/ports.ts";
import type { AutoscaleDeps } from "./deps.ts";
import type { Observation } from "./observe.ts";

/** The result of carrying a decision out. */
export interface Outcome {
  readonly launched: number;
  readonly launchFailures: number;
  /** Whether their agents leave is known to the workflow alone. */
  readonly retirementsStarted: number;
  readonly vendorApiErrors: number;
  /** These must fail the pass. */
  readonly errors: readonly Error[];
}

interface Step {
  readonly done: number;
  readonly errors: readonly Error[];
}

/**
 * Carries out a decision, launches first: a failure for one agent must not stop others from starting. Never throws, so
 * that all done work is counted.
 */
export async function act(
  deps: AutoscaleDeps,
  decision: Decision,
  { orphans, newlyRegistered, vendorAgents }: Pick<Observation, "orphans" | "newlyRegistered" | "vendorAgents">,
): Promise<Outcome> {
  const { capacity, vendor } = deps;
  const marked = await attempt(async () => {
    if (newlyRegistered.length > 0) await capacity.markRegistered?.(newlyRegistered);
  });
  const launches = await launch(deps, decision);
  const withdrawn = await attempt(async () => {
    if (decision.withdraw === 0) return;
    deps.log.info("withdrew orders", { wanted: decision.withdraw, done: await capacity.withdraw(decision.withdraw) });
  });
  const discards = await forEachAgent(deps, decision.discard, "discarding an agent whose machine is dead", (agent) =>
    capacity.discard?.(agent.capacityId, { mayReplace: !decision.circuitOpen }),
  );
  const retirements = await startRetirements(deps, decision.retire);
  const scaledIn = await scaleIn(deps, decision.scaleIn);
  const assigned = await assignRoles(deps, decision.assignRoles);
  const queue = await attempt(async () => {
    if (vendorAgents !== undefined) await vendor.keepQueueOpen?.(vendorAgents);
  });
  const orphanErrors = await removeOrphans(deps, orphans);
  const steps = [marked, launches, withdrawn, discards, retirements, scaledIn, assigned, queue];
  const errors = steps.flatMap((step) => step.errors);
  return {
    launched: launches.done,
    launchFailures: launches.failures,
    retirementsStarted: retirements.done + scaledIn.done,
    vendorApiErrors: [...errors, ...orphanErrors].filter((error) => error instanceof VendorApiError).length,
    errors,
  };
}

async function launch(deps: AutoscaleDeps, decision: Decision): Promise<Step & { readonly failures: number }> {
  const { capacity, poolName, log, newSuffix } = deps;
  if (decision.launch.length === 0) return { done: 0, failures: 0, errors: [] };
  const requests = decision.launch.map((role) => ({ role, agentName: `${agentNamePrefix(poolName)}${newSuffix()}` }));
  try {
    const report = await capacity.launch(requests);
    for (const failure of report.failures) log.warn("launch failed", { ...failure });
    // AWS always refuses a wrong setting, so the pass fails and the alarm rings.
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

async function startRetirements(deps: AutoscaleDeps, retirees: readonly Retiree[]): Promise<Step> {
  let done = 0;
  const reasons = new Map(retirees.map(({ agent, reason }) => [agent, reason]));
  const { errors } = await forEachAgent(deps, [...reasons.keys()], "starting a retirement", async (agent) => {
    const reason = reasons.get(agent);
    if (reason && (await deps.retirements?.start(agent, reason, hookOf(deps, agent)))) done += 1;
  });
  return { done, errors };
}

/** The group's hook releases an instance that it holds. */
function hookOf({ capacity }: AutoscaleDeps, { held, capacityId }: Agent) {
  return held ? capacity.terminationHook?.(capacityId) : undefined;
}

/** Skips an agent whose last retirement has just ended because it was busy, and takes the next idle one. */
async function scaleIn(deps: AutoscaleDeps, { count, candidates }: Decision["scaleIn"]): Promise<Step> {
  let done = 0;
  const errors: Error[] = [];
  for (const agent of candidates) {
    if (done + errors.length >= count) break;
    const step = await startRetirements(deps, [{ agent, reason: "scale-in" }]);
    done += step.done;
    errors.push(...step.errors);
  }
  return { done, errors };
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
  step: (agent: Agent) => Promise<void> | undefined,
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

/** Orphans only clutter the vendor's list, so a failed deletion is logged but does not fail the pass. */
async function removeOrphans(
  { vendor, policy, log }: AutoscaleDeps,
  orphans: readonly VendorAgent[],
): Promise<readonly Error[]> {
  for (const orphan of orphans.slice(0, policy.maxRemovedPerTick)) {
    try {
      await vendor.removeAgent(orphan.id);
    } catch (error) {
      log.warn("could not remove the record of an agent that is gone", { agent: orphan.name, error });
      return [toError(error)];
    }
  }
  return [];
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
