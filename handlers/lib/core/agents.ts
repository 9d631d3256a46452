import type { Agent, AgentState } from "./model.ts";
import type { CapacityMember, VendorAgent } from "./ports.ts";

/**
 * The prefix of a fleet's agent names. Stack and pool names contain no underscore, so prefixes of fleets never overlap.
 */
export function agentNamePrefix(fleet: string): string {
  return `${fleet}_`;
}

/** The join of launched members with the vendor's list. */
export interface Roster {
  /** Our agents, one per capacity member. */
  readonly agents: readonly Agent[];
  /** Vendor records with our names, without an agent or capacity member. */
  readonly orphans: readonly VendorAgent[];
  /** Capacity ids of agents that have registered, as far as their capacity does not know it yet. */
  readonly newlyRegistered: readonly string[];
  /** By name: since when a registered agent is missing from the vendor's list. */
  readonly missingSince: ReadonlyMap<string, Date>;
}

/**
 * Joins capacity and vendor by the agent's name. Vendor agents without a member of ours are foreign and ignored. But if
 * such an agent has our prefix and is gone, it is an orphan.
 *
 * A member that the vendor does not list proves nothing: it is `unclear` for a grace if it had registered, and `unseen`
 * after that. While the vendor lists an agent that nobody can place, it may be that of any such member: those that are
 * not starting are `unseen`, whatever their machines have said.
 *
 * @param missingSince from the last join
 * @param vendorAgents `undefined` if the vendor does not list agents: running members are then `unclear`
 */
export function joinAgents(input: {
  readonly members: readonly CapacityMember[];
  readonly vendorAgents: readonly VendorAgent[] | undefined;
  /** Names of the agents in retirement. */
  readonly retiring: ReadonlySet<string>;
  readonly missingSince: ReadonlyMap<string, Date>;
  readonly namePrefix: string;
  readonly registrationGraceSeconds: number;
  readonly now: Date;
}): Roster {
  const { members, vendorAgents, retiring, namePrefix, now } = input;
  const recordsByName = groupByName(vendorAgents ?? []);
  const hasUnplaced = vendorAgents?.some(({ unmatched, state }) => unmatched && state !== "gone") === true;
  const graceEnds = now.getTime() - input.registrationGraceSeconds * 1000;
  const missingSince = new Map<string, Date>();
  const newlyRegistered: string[] = [];

  const agents = members.map((member): Agent => {
    const record = strongest(recordsByName.get(member.agentName));
    const listed = record !== undefined && record.state !== "gone";
    if (listed && member.registered !== true) newlyRegistered.push(member.id);
    const missing =
      vendorAgents && !listed && (member.registered === true || record)
        ? (input.missingSince.get(member.agentName) ?? now)
        : undefined;
    if (missing) missingSince.set(member.agentName, missing);
    const underWay = retiring.has(member.agentName);
    const leaves = underWay || member.phase === "stopping" || member.phase === "held";
    return {
      name: member.agentName,
      capacityId: member.id,
      vendorId: record?.id,
      role: member.role,
      launchedAt: member.launchedAt,
      idleSince: record?.idleSince,
      outdated: member.outdated,
      drained: record?.state === "draining" && !leaves,
      held: member.phase === "held" && !underWay,
      dead: member.phase === "failed",
      state: leaves
        ? "retiring"
        : stateOf(member, record, {
            vendorShowsAgents: vendorAgents !== undefined,
            mayBeUnplaced: hasUnplaced && !listed,
            missing,
            graceEnds,
          }),
    };
  });

  const memberNames = new Set(members.map((member) => member.agentName));
  const orphans = (vendorAgents ?? []).filter(
    (agent) => isGone(agent, graceEnds) && agent.name.startsWith(namePrefix) && !memberNames.has(agent.name),
  );
  return { agents, orphans, newlyRegistered, missingSince };
}

function stateOf(
  member: CapacityMember,
  record: VendorAgent | undefined,
  seen: {
    readonly vendorShowsAgents: boolean;
    /** The vendor lists an agent that nobody can place, and it may be this one. */
    readonly mayBeUnplaced: boolean;
    readonly missing: Date | undefined;
    readonly graceEnds: number;
  },
): AgentState {
  const isYoung = member.launchedAt.getTime() >= seen.graceEnds;
  const saidNever = member.neverRegistered === true && member.registered !== true;
  if (member.phase === "ordered") return "ordered";
  if (member.phase === "failed") return record ? "retiring" : "failed";
  if (seen.mayBeUnplaced) return isYoung && !saidNever && !seen.missing ? "starting" : "unseen";
  if (!seen.vendorShowsAgents) {
    if (saidNever) return "failed";
    // Where machines report that their agent registered, one that did not report may have none.
    if (member.phase === "running" && (isYoung || member.registered !== false)) return "unclear";
    return isYoung ? "starting" : "unseen";
  }
  if (seen.missing) {
    if (seen.missing.getTime() < seen.graceEnds) return "unseen";
    return record ? "retiring" : "unclear";
  }
  if (record === undefined) {
    if (saidNever) return "failed";
    return isYoung ? "starting" : "unseen";
  }
  if (record.state === "offline") {
    if (isYoung) return "starting";
    return record.offlineSince && record.offlineSince.getTime() >= seen.graceEnds ? "unclear" : "offline";
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

/** An offline agent may be starting until its grace is over. */
function isGone({ state, offlineSince }: VendorAgent, graceEnds: number): boolean {
  return state === "gone" || (state === "offline" && offlineSince !== undefined && offlineSince.getTime() < graceEnds);
}

const strength = { gone: 0, offline: 1, draining: 2, idle: 3, busy: 4 } as const;

/** Of several records with one name the busiest counts: an agent is idle only if all records say so. */
function strongest(records: readonly VendorAgent[] | undefined): VendorAgent | undefined {
  return records?.reduce((best, next) => (strength[next.state] > strength[best.state] ? next : best));
}
