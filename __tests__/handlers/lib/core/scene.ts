import type { Agent, AgentState, Decision, Snapshot } from "../../../../handlers/lib/core/model.ts";
import type { Policy } from "../../../../handlers/lib/core/policy.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { launches } from "../../../fixtures/launches.ts";
import { policyOf } from "../../../fixtures/policy.ts";
import { now, secondsAgo } from "./arbitraries.ts";

/** The policy of fleets whose agents the loop retires. */
export const byRetirement = { departure: "by-retirement", canRetire: true } as const;

let agentsMade = 0;

/** So many agents in one state: burst agents, ten minutes old. */
export function agents(state: AgentState, number = 1, changes: Partial<Agent> = {}): Agent[] {
  return Array.from({ length: number }, () => {
    agentsMade += 1;
    const name = `ci_${agentsMade}`;
    return { name, capacityId: `task-${name}`, role: "burst", launchedAt: secondsAgo(600), state, ...changes };
  });
}

/** A snapshot and a policy, as far as they differ from a fleet with nothing to do. */
export interface Scene extends Partial<Omit<Snapshot, "demand">> {
  readonly queued?: number;
  readonly running?: number;
  readonly expected?: number;
  readonly partial?: true;
  /** So many launches of the last hour, and all of them failed. */
  readonly failedLaunches?: number;
  readonly policy?: Partial<Policy>;
}

/** The agents that a decision takes out to scale in. */
export function scaledIn({ scaleIn: { count, candidates } }: Decision): readonly Agent[] {
  return candidates.slice(0, count);
}

/** The decision on a scene. */
export function decideOn({
  queued = 0,
  running = 0,
  expected,
  partial,
  failedLaunches = 0,
  policy: changes = {},
  ...rest
}: Scene): Decision {
  const snapshot: Snapshot = {
    demand: { queued, running, expected, partial },
    agents: [],
    vendorShowsAgents: true,
    launches: launches(failedLaunches),
    circuit: {},
    recentlyWanted: [],
    ...rest,
  };
  return decide(snapshot, policyOf(changes), now);
}
