import type { Agent, AgentState } from "./model.ts";
import type { CapacityMember, VendorAgent } from "./ports.ts";

/** All agents of one fleet share it; names of stacks and pools hold no underscore, so no fleet's prefix starts another's. */
export function agentNamePrefix(fleet: string): string {
  return `${fleet}_`;
}

/** The join of what we launched with what the vendor sees. */
export interface Roster {
  /** Our agents, one per capacity member. */
  readonly agents: readonly Agent[];
  /** Vendor records with our names whose agent is gone and whose capacity no longer exists. */
  readonly ghosts: readonly VendorAgent[];
  /** Capacity ids of agents that have registered, which their capacity does not know yet. */
  readonly newcomers: readonly string[];
  /** Since when agents that had registered are missing in the vendor's list, by name. */
  readonly lostSince: ReadonlyMap<string, Date>;
}

/**
 * Joins capacity and vendor by the name we gave at launch. Vendor agents without a member of ours are foreign and left
 * out, unless they carry our name prefix and are gone: those are ghosts. An agent that had registered and is missing may
 * still work, so it is `unclear` for another grace.
 *
 * @param lostSince what the last join told
 * @param vendorAgents `undefined` where the vendor does not show its agents: running members are then `unclear`.
 */
export function joinAgents(input: {
  readonly members: readonly CapacityMember[];
  readonly vendorAgents: readonly VendorAgent[] | undefined;
  /** Names of the agents whose retirement is under way. */
  readonly retiring: ReadonlySet<string>;
  readonly lostSince: ReadonlyMap<string, Date>;
  readonly namePrefix: string;
  readonly registrationGraceSeconds: number;
  readonly now: Date;
}): Roster {
  const { members, vendorAgents, retiring, namePrefix, now } = input;
  const recordsByName = groupByName(vendorAgents ?? []);
  const graceEnds = now.getTime() - input.registrationGraceSeconds * 1000;
  const lostSince = new Map<string, Date>();
  const newcomers: string[] = [];

  const agents = members.map((member): Agent => {
    const record = strongest(recordsByName.get(member.agentName));
    if (record && member.registered === false) newcomers.push(member.id);
    const lost =
      member.registered && vendorAgents && !record ? (input.lostSince.get(member.agentName) ?? now) : undefined;
    if (lost) lostSince.set(member.agentName, lost);
    const underWay = member.phase === "stopping" || retiring.has(member.agentName);
    return {
      name: member.agentName,
      capacityId: member.id,
      vendorId: record?.id,
      role: member.role,
      launchedAt: member.launchedAt,
      idleSince: record?.idleSince,
      outdated: member.outdated,
      stranded: record?.state === "draining" && !underWay,
      state: underWay ? "retiring" : stateOf(member, record, vendorAgents !== undefined, lost, graceEnds),
    };
  });

  const memberNames = new Set(members.map((member) => member.agentName));
  const ghosts = (vendorAgents ?? []).filter(
    (agent) => isGone(agent, graceEnds) && agent.name.startsWith(namePrefix) && !memberNames.has(agent.name),
  );
  return { agents, ghosts, newcomers, lostSince };
}

function stateOf(
  member: CapacityMember,
  record: VendorAgent | undefined,
  vendorShowsAgents: boolean,
  lostSince: Date | undefined,
  graceEnds: number,
): AgentState {
  if (member.phase === "ordered") return "starting";
  if (member.phase === "failed") return record ? "retiring" : "offline";
  if (!vendorShowsAgents) return member.phase === "running" ? "unclear" : "starting";
  if (lostSince) return lostSince.getTime() < graceEnds ? "offline" : "unclear";
  const isYoung = member.launchedAt.getTime() >= graceEnds;
  if (record === undefined) return isYoung ? "starting" : "offline";
  if (record.state === "offline") {
    if (isYoung) return "starting";
    return record.offlineSince && record.offlineSince.getTime() >= graceEnds ? "unclear" : "offline";
  }
  return record.state === "idle" || record.state === "busy" ? record.state : "retiring";
}

function groupByName(agents: readonly VendorAgent[]): Map<string, VendorAgent[]> {
  const byName = new Map<string, VendorAgent[]>();
  for (const agent of agents) {
    const same = byName.get(agent.name);
    if (same) same.push(agent);
    else byName.set(agent.name, [agent]);
  }
  return byName;
}

/** An agent that is offline may be starting, until its grace is over. */
function isGone({ state, offlineSince }: VendorAgent, graceEnds: number): boolean {
  return state === "gone" || (state === "offline" && offlineSince !== undefined && offlineSince.getTime() < graceEnds);
}

const strength = { gone: 0, offline: 1, draining: 2, idle: 3, busy: 4 } as const;

/** Of several records with one name the busiest counts: an agent is idle only if nothing says otherwise. */
function strongest(records: readonly VendorAgent[] | undefined): VendorAgent | undefined {
  return records?.reduce((best, next) => (strength[next.state] > strength[best.state] ? next : best));
}
