import type { Agent, Decision, Snapshot } from "../../../../handlers/lib/core/model.ts";
import type { Policy } from "../../../../handlers/lib/core/policy.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { now } from "./arbitraries.ts";

/** The agents that a decision launches, starting at one time. */
export function launched(decision: Decision, batch: string, at: Date): Agent[] {
  return decision.launch.map((role, index) => ({
    name: `ci_${batch}_${index}`,
    capacityId: `task-${batch}-${index}`,
    role,
    state: "starting",
    launchedAt: at,
  }));
}

/** A world that does what decisions say: between two passes, ten minutes apart, all that was begun gets done. */
export function createWorld(
  start: Snapshot,
  policy: Policy,
  { idleBurstAgentsLeave = false, jobsEnd = false }: { idleBurstAgentsLeave?: boolean; jobsEnd?: boolean } = {},
) {
  const registered = start.vendorShowsAgents ? "idle" : "unclear";
  let at = now;
  let agents = start.agents;
  let passes = 0;
  let recentlyWanted: readonly number[] = [];
  let { load, traffic } = start;

  function progress(agent: Agent): Agent[] {
    if (agent.state === "retiring" || agent.state === "failed") return [];
    if (agent.state === "starting" || agent.state === "ordered") return [{ ...agent, state: registered }];
    if (agent.state === "busy" && jobsEnd) return [{ ...agent, state: "idle" }];
    const leaves = idleBurstAgentsLeave && agent.role === "burst" && agent.state === registered;
    return leaves ? [] : [agent];
  }

  return {
    get agents() {
      return agents;
    },
    pass(): Decision {
      const decision = decide({ ...start, agents, recentlyWanted, load, traffic }, policy, at);
      ({ load, traffic } = decision);
      const { retire, scaleIn, discard, withdraw } = decision;
      const withdrawn = agents.filter(({ state }) => state === "ordered").slice(0, withdraw);
      const retired = [...retire.map(({ agent }) => agent), ...scaleIn.candidates.slice(0, scaleIn.count)];
      const going = new Set([...retired, ...discard, ...withdrawn]);
      const roles = new Map(decision.assignRoles.map(({ agent, role }) => [agent, role]));
      recentlyWanted = [...recentlyWanted, decision.wanted];
      passes += 1;
      at = new Date(at.getTime() + 601_000);
      agents = [
        ...agents
          .filter((agent) => !going.has(agent))
          .map((agent): Agent => ({ ...agent, role: agent.role ?? roles.get(agent) }))
          .flatMap(progress),
        ...launched(decision, `${passes}`, at),
      ];
      return decision;
    },
  };
}
