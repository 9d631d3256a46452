import type { AgentRole, Demand } from "../../handlers/lib/core/model.ts";
import type {
  AgentReference,
  Capacity,
  CapacityMember,
  LaunchReport,
  LaunchRequest,
  Retirements,
  Vendor,
  VendorAgent,
} from "../../handlers/lib/core/ports.ts";
import type { RetirementReason } from "../../handlers/lib/core/retirement.ts";

/** Every call of a port, in order. */
export type FleetCall =
  | "capacity.read"
  | "capacity.launch"
  | "capacity.stopUnregistered"
  | "capacity.withdraw"
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
  failedLaunchesLastHour: number;
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
  readonly stopped: readonly { readonly id: string; readonly mayReplace: boolean }[];
  readonly removed: readonly string[];
  /** Members that the capacity was told to remember as registered. */
  readonly marked: readonly string[];
  readonly assigned: readonly { readonly id: string; readonly role: AgentRole }[];
  readonly retired: readonly { readonly agent: AgentReference; readonly reason: RetirementReason }[];
  /** The arguments of the calls that keep the vendor's queue open. */
  readonly queuesKeptOpen: readonly (readonly VendorAgent[])[];

  readonly capacity: Required<Capacity>;
  readonly vendor: Required<Vendor>;
  readonly retirements: Retirements;
}

/** See {@link FleetFake}. It starts empty, and only records launches. */
export function createFleetFake(): FleetFake {
  const calls: FleetCall[] = [];
  const launches: (readonly LaunchRequest[])[] = [];
  const stopped: FleetFake["stopped"][number][] = [];
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
    failedLaunchesLastHour: 0,
    vendorAgents: [],
    demand: { queued: 0, running: 0 },
    retiring: new Set(),
    launchFailures: [],
    failures: new Map(),
    onCall: undefined,
    calls,
    launches,
    stopped,
    removed,
    marked,
    assigned,
    retired,
    queuesKeptOpen,
    capacity: {
      async read() {
        await called("capacity.read");
        return { members: [...fleet.members], failedLaunchesLastHour: fleet.failedLaunchesLastHour };
      },
      async launch(requests) {
        await called("capacity.launch");
        launches.push(requests);
        return { launched: fleet.launchFailures.length > 0 ? 0 : requests.length, failures: fleet.launchFailures };
      },
      async stopUnregistered(id, { mayReplace }) {
        await called("capacity.stopUnregistered");
        stopped.push({ id, mayReplace });
      },
      async withdraw() {
        await called("capacity.withdraw");
        return 0;
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
      async start(agent, reason) {
        await called("retirements.start");
        retired.push({ agent, reason });
      },
    },
  };
  return fleet;
}
