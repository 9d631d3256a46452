import type { AgentRole, Demand, Launch } from "../../handlers/lib/core/model.ts";
import type {
  AgentReference,
  Capacity,
  CapacityMember,
  CapacityReading,
  LaunchReport,
  LaunchRequest,
  Retirements,
  Vendor,
  VendorAgent,
} from "../../handlers/lib/core/ports.ts";
import type { LifecycleHook, RetirementReason } from "../../handlers/lib/core/retirement.ts";

/** Every call of a port, in order. */
export type FleetCall =
  | "capacity.read"
  | "capacity.remaining"
  | "capacity.launch"
  | "capacity.withdraw"
  | "capacity.discard"
  | "capacity.markRegistered"
  | "capacity.assignRole"
  | "vendor.listAgents"
  | "vendor.readDemand"
  | "vendor.removeAgent"
  | "vendor.keepQueueOpen"
  | "retirements.running"
  | "retirements.start";

/** A fleet's ports in memory. Set their answers, and read the calls that they got. */
export interface FleetFake {
  members: CapacityMember[];
  launchesLastHour: Launch[];
  newLaunchFailures: LaunchReport["failures"] | undefined;
  /** `undefined`: the capacity has none. */
  fallback: CapacityReading["fallback"];
  /** `undefined`: the vendor does not show its agents. */
  vendorAgents: VendorAgent[] | undefined;
  demand: Demand;
  /** Names of agents whose retirement is running. */
  readonly retiring: Set<string>;
  /** The failures that `launch` reports. It then launches nothing. */
  launchFailures: LaunchReport["failures"];
  /** The error that a call throws, while set. */
  readonly failures: Map<FleetCall, Error>;
  /** Called before each answer. Set it to change the world between two calls. */
  onCall: ((call: FleetCall) => void) | undefined;

  readonly calls: readonly FleetCall[];
  readonly launches: readonly (readonly LaunchRequest[])[];
  /** How many orders the capacity was asked to take back, call by call. */
  readonly withdrawn: readonly number[];
  readonly discarded: readonly { readonly id: string; readonly mayReplace: boolean }[];
  readonly removed: readonly string[];
  /** Members that the capacity was told to remember as registered. */
  readonly marked: readonly string[];
  readonly assigned: readonly { readonly id: string; readonly role: AgentRole }[];
  readonly retired: readonly {
    readonly agent: AgentReference;
    readonly reason: RetirementReason;
    readonly hook?: LifecycleHook | undefined;
  }[];
  /** Names of agents whose last retirement has only just ended: none is started for them. */
  readonly justRetired: Set<string>;
  /** What the vendor was given to keep its queue open. */
  readonly queuesKeptOpen: readonly (readonly VendorAgent[])[];

  readonly capacity: Required<Omit<Capacity, "remainingInFallback">>;
  readonly vendor: Required<Vendor>;
  readonly retirements: Retirements;
}

/** See {@link FleetFake}. It starts empty, and only records launches. */
export function createFleetFake(): FleetFake {
  const calls: FleetCall[] = [];
  const launches: (readonly LaunchRequest[])[] = [];
  const withdrawn: number[] = [];
  const discarded: FleetFake["discarded"][number][] = [];
  const removed: string[] = [];
  const marked: string[] = [];
  const assigned: FleetFake["assigned"][number][] = [];
  const retired: FleetFake["retired"][number][] = [];
  const queuesKeptOpen: (readonly VendorAgent[])[] = [];

  async function called(call: FleetCall): Promise<void> {
    calls.push(call);
    fleet.onCall?.(call);
    const failure = fleet.failures.get(call);
    if (failure) throw failure;
  }

  const fleet: FleetFake = {
    members: [],
    launchesLastHour: [],
    newLaunchFailures: undefined,
    fallback: undefined,
    vendorAgents: [],
    demand: { queued: 0, running: 0 },
    retiring: new Set(),
    launchFailures: [],
    failures: new Map(),
    onCall: undefined,
    calls,
    launches,
    withdrawn,
    discarded,
    removed,
    marked,
    assigned,
    retired,
    justRetired: new Set(),
    queuesKeptOpen,
    capacity: {
      terminationHook: (id) => ({ name: "hook", group: `group of ${id}` }),
      async read() {
        await called("capacity.read");
        const { members, launchesLastHour, newLaunchFailures, fallback } = fleet;
        return { members: [...members], launches: launchesLastHour, newLaunchFailures, fallback };
      },
      async remaining() {
        await called("capacity.remaining");
        return fleet.members.map(({ id }) => id);
      },
      async launch(requests) {
        await called("capacity.launch");
        launches.push(requests);
        return { launched: fleet.launchFailures.length > 0 ? 0 : requests.length, failures: fleet.launchFailures };
      },
      async withdraw(count) {
        await called("capacity.withdraw");
        withdrawn.push(count);
        return count;
      },
      async discard(id, { mayReplace }) {
        await called("capacity.discard");
        discarded.push({ id, mayReplace });
      },
      async markRegistered(ids) {
        await called("capacity.markRegistered");
        marked.push(...ids);
      },
      async assignRole(id, role) {
        await called("capacity.assignRole");
        assigned.push({ id, role });
      },
    },
    vendor: {
      async listAgents() {
        await called("vendor.listAgents");
        return fleet.vendorAgents && [...fleet.vendorAgents];
      },
      async readDemand() {
        await called("vendor.readDemand");
        return fleet.demand;
      },
      async removeAgent(id) {
        await called("vendor.removeAgent");
        removed.push(id);
      },
      async keepQueueOpen(agents) {
        await called("vendor.keepQueueOpen");
        queuesKeptOpen.push(agents);
      },
    },
    retirements: {
      async running() {
        await called("retirements.running");
        return new Set(fleet.retiring);
      },
      async start(agent, reason, hook) {
        await called("retirements.start");
        if (fleet.justRetired.has(agent.name)) return false;
        retired.push({ agent, reason, ...(hook && { hook }) });
        return true;
      },
    },
  };
  return fleet;
}
