import type { Agent, Demand } from "../../handlers/core/model.ts";
import type {
  Capacity,
  CapacityMember,
  LaunchReport,
  LaunchRequest,
  Retirements,
  Vendor,
  VendorAgent,
} from "../../handlers/core/ports.ts";

/** Every call a port got, in order. */
export type FleetCall =
  | "capacity.read"
  | "capacity.launch"
  | "capacity.stopUnregistered"
  | "vendor.listAgents"
  | "vendor.readDemand"
  | "vendor.removeAgent"
  | "retirements.start";

/** A fleet's ports in memory: set what they see, read what they were told to do. */
export interface FleetFake {
  members: CapacityMember[];
  failedLaunchesLastHour: number;
  /** `undefined`: the vendor does not show its agents. */
  vendorAgents: VendorAgent[] | undefined;
  demand: Demand;
  /** What `launch` reports besides what it launched, which is then none. */
  launchFailures: LaunchReport["failures"];
  /** What a call throws, while set. */
  readonly failures: Map<FleetCall, Error>;
  /** Called before each call is answered; set it to change the world in between two calls. */
  onCall: ((call: FleetCall) => void) | undefined;

  readonly calls: readonly FleetCall[];
  readonly launches: readonly (readonly LaunchRequest[])[];
  readonly stopped: readonly string[];
  readonly removed: readonly string[];
  readonly retired: readonly Agent[];

  readonly capacity: Capacity;
  readonly vendor: Vendor;
  readonly retirements: Retirements;
}

/** See {@link FleetFake}. Nothing is there at first, and launches only get noted. */
export function createFleetFake(): FleetFake {
  const calls: FleetCall[] = [];
  const launches: (readonly LaunchRequest[])[] = [];
  const stopped: string[] = [];
  const removed: string[] = [];
  const retired: Agent[] = [];

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
    launchFailures: [],
    failures: new Map(),
    onCall: undefined,
    calls,
    launches,
    stopped,
    removed,
    retired,
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
      async stopUnregistered(id) {
        await called("capacity.stopUnregistered");
        stopped.push(id);
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
    },
    retirements: {
      async start(agent) {
        await called("retirements.start");
        retired.push(agent);
      },
    },
  };
  return fleet;
}
