import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Capacity, CapacityMember, CapacityReading, Clock, LaunchReport, Notebook } from "../core/ports.ts";
import type { GroupCapacity, GroupReading } from "./asg-capacity.ts";
import { ordersSince } from "./asg-orders.ts";

/** AWS may show a group as it was up to a minute ago (assumed). A change that is older than this is visible. */
const settleMilliseconds = 90_000;

/** Times are in milliseconds since 1970. */
const stored = z.object({
  /** Since when each order of a group stands, oldest first. */
  orders: z.object({ spot: z.array(z.number()), onDemand: z.array(z.number()) }),
  /** Since when launches go to the On-Demand group. Left out: they go to the Spot group. */
  shortSince: z.number().optional(),
  /** When the loop last changed the desired capacity of each group. */
  changedAt: z.object({ spot: z.number().optional(), onDemand: z.number().optional() }),
});

type State = z.output<typeof stored>;
type GroupName = keyof State["changedAt"];

const spotFirst = ["spot", "onDemand"] as const;
const onDemandFirst = ["onDemand", "spot"] as const;

const unwritten: State = { orders: { spot: [], onDemand: [] }, changedAt: {} };

/**
 * A group with Spot, and a group of On-Demand instances alone that takes over where Spot has no capacity. Launches go to
 * the Spot group. If one of its orders stands for `afterSeconds` and AWS has said meanwhile that it has no capacity, Spot
 * counts as short: for as long, launches go to the On-Demand group, and the Spot group's orders are to be withdrawn. Then
 * Spot is tried again, also for orders of the On-Demand group that have stood for as long.
 *
 * Both groups together stay within the maximum of each. AWS may launch an instance while its order is withdrawn, and show
 * it late. So after a change of one group, the other launches only when AWS is sure to show the change. Every call about
 * a member goes to the member's own group. Keep it between passes. The notebook keeps the times over a cold start; if it
 * is lost, the fallback comes later.
 */
export function createSpotFallback(
  afterSeconds: number,
  {
    clock,
    notebook,
    ...groups
  }: {
    readonly spot: GroupCapacity;
    readonly onDemand: GroupCapacity;
    readonly clock: Clock;
    readonly notebook: Notebook;
  },
): Capacity {
  const { spot, onDemand } = groups;
  const milliseconds = afterSeconds * 1000;
  let state = unwritten;
  /** Members of the On-Demand group. */
  let onDemandIds: ReadonlySet<string> = new Set();
  const ownerOf = (id: string) => (onDemandIds.has(id) ? onDemand : spot);

  return {
    terminationHook: (id) => ownerOf(id).terminationHook(id),

    async read(): Promise<CapacityReading> {
      const [fromSpot, fromOnDemand, found] = await Promise.all([spot.read(), onDemand.read(), notebook.read()]);
      const known = stored.safeParse(found).data ?? unwritten;
      state = stateAfter(known, { fromSpot, fromOnDemand, now: clock.now().getTime(), milliseconds });
      if (!isDeepStrictEqual(state, known)) await notebook.write(state);
      const onDemandMembers = fromOnDemand.members.map(withOwnName);
      onDemandIds = new Set(onDemandMembers.map(({ id }) => id));
      return {
        members: [...fromSpot.members, ...onDemandMembers],
        launches: [...fromSpot.launches, ...fromOnDemand.launches],
        newLaunchFailures: together(fromSpot.newLaunchFailures, fromOnDemand.newLaunchFailures),
        newShortages: together(fromSpot.newShortages, fromOnDemand.newShortages),
        fallback: { active: state.shortSince !== undefined, ordersToMove: ordersToMove(), settling: isSettling() },
      };
    },

    async remaining() {
      return (await Promise.all([spot.remaining(), onDemand.remaining()])).flat();
    },

    remainingInFallback: () => onDemand.remaining(),

    async launch(requests): Promise<LaunchReport> {
      if (isSettling()) return { launched: 0, failures: [] };
      const [target, other] = placesToLaunch();
      const besides = await groups[other].count();
      await store(changed(target));
      return groups[target].launch(requests, besides);
    },

    async withdraw(count): Promise<number> {
      // Orders of the group that does not launch now first: they come late, or cost more. The next tick sees to the rest.
      const [target, other] = placesToLaunch();
      const name = state.orders[other].length > 0 ? other : target;
      const before = state;
      await store(changed(name));
      const withdrawn = await groups[name].withdraw(count);
      if (withdrawn === 0) await store(before);
      return withdrawn;
    },

    async discard(id, options) {
      await ownerOf(id).discard?.(id, options);
    },

    async markRegistered(ids) {
      for (const group of [spot, onDemand]) {
        const own = ids.filter((id) => ownerOf(id) === group);
        if (own.length > 0) await group.markRegistered?.(own);
      }
    },

    async assignRole(id, role) {
      await ownerOf(id).assignRole?.(id, role);
    },
  };

  /** The group that launches, and the other one. */
  function placesToLaunch() {
    return state.shortSince !== undefined ? onDemandFirst : spotFirst;
  }

  function isSettling(): boolean {
    const [, other] = placesToLaunch();
    const { [other]: changedAt = Number.NEGATIVE_INFINITY } = state.changedAt;
    return clock.now().getTime() < changedAt + settleMilliseconds;
  }

  function ordersToMove(): number {
    const { spot: onSpot, onDemand: rest } = state.orders;
    const longAgo = clock.now().getTime() - milliseconds;
    return state.shortSince !== undefined ? onSpot.length : rest.filter((since) => since <= longAgo).length;
  }

  /** To be stored before the change, because a call that fails may have changed the group. */
  function changed(name: GroupName): State {
    return { ...state, changedAt: { ...state.changedAt, [name]: clock.now().getTime() } };
  }

  async function store(next: State): Promise<void> {
    await notebook.write(next);
    state = next;
  }
}

function stateAfter(
  { orders: known, shortSince, changedAt }: State,
  {
    fromSpot,
    fromOnDemand,
    now,
    milliseconds,
  }: {
    readonly fromSpot: GroupReading;
    readonly fromOnDemand: GroupReading;
    readonly now: number;
    /** How long Spot may be short before the fallback, and how long the fallback lasts. */
    readonly milliseconds: number;
  },
): State {
  const orders = {
    spot: ordersSince(known.spot, countOrders(fromSpot), now),
    onDemand: ordersSince(known.onDemand, countOrders(fromOnDemand), now),
  };
  if (shortSince !== undefined && now < shortSince + milliseconds) return { orders, shortSince, changedAt };
  const [oldest = now] = orders.spot;
  const stoodLong = now >= oldest + milliseconds;
  const isShort = stoodLong && fromSpot.lastShortage !== undefined && fromSpot.lastShortage.getTime() >= oldest;
  return { orders, changedAt, ...(isShort && { shortSince: now }) };
}

function countOrders({ members }: GroupReading): number {
  return members.filter(({ phase }) => phase === "ordered").length;
}

/** Both groups number their orders. */
function withOwnName(member: CapacityMember): CapacityMember {
  if (member.phase !== "ordered") return member;
  const name = `${member.id} on demand`;
  return { ...member, id: name, agentName: name };
}

function together(
  some: LaunchReport["failures"] = [],
  others: LaunchReport["failures"] = [],
): LaunchReport["failures"] | undefined {
  const all = [...some, ...others];
  return all.length > 0 ? all : undefined;
}
