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

  function progress(agent: Agent): Agent[] {
    if (agent.state === "retiring") return [];
    if (agent.state === "starting") return [{ ...agent, state: registered }];
    if (agent.state === "busy" && jobsEnd) return [{ ...agent, state: "idle" }];
    const leaves = idleBurstAgentsLeave && agent.role === "burst" && agent.state === registered;
    return leaves ? [] : [agent];
  }

  return {
    get agents() {
      return agents;
    },
    pass(): Decision {
      const decision = decide({ ...start, agents, recentlyWanted }, policy, at);
      const going = new Set([...decision.retire, ...decision.dismiss, ...decision.stop]);
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
