import { beforeEach, describe, expect, it } from "vitest";
import { createGroups } from "../../../../handlers/lib/aws/capacity.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import {
  type AsgFake,
  asgClientsOver,
  awsError,
  createAsgFake,
  performOf,
} from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { failedIn } from "../../../fixtures/launches.ts";
import { groupConfig, inputsOf, requests } from "./asg-harness.ts";

const spotIsShort = "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity.";
const max = 10;

let clock: FakeClock;
let spot: AsgFake;
let onDemand: AsgFake;
let notebooks: Record<"first" | "on-demand" | "fallback", ReturnType<typeof createNotebookFake>>;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  spot = createAsgFake(clock, { min: 0, max });
  onDemand = createAsgFake(clock, { min: 0, max }, { name: "ci-on-demand", idsFrom: 100 });
  notebooks = { first: createNotebookFake(), "on-demand": createNotebookFake(), fallback: createNotebookFake() };
  capacity = connect();
});

/** The adapter after a cold start. */
function connect(): Capacity {
  const clients = asgClientsOver(async (call) => performOf([spot, onDemand], call));
  const config = { ...groupConfig, fallback: { group: "ci-on-demand", afterSeconds: 600 } };
  return createGroups(config, { ...clients, clock }, (part) => notebooks[part ?? "first"]);
}

const minutes = (count: number) => clock.advance(count * 60_000);
const refuse = (message = spotIsShort) => spot.log({ StatusCode: "Failed", StatusMessage: message });
const desired = () => ({ spot: spot.group.desired, onDemand: onDemand.group.desired });
const fallback = async (of = capacity) => (await of.read()).fallback;

/** Observes, launches and withdraws as the loop does that wants so many agents. */
async function tick(wanted: number, of = capacity): Promise<void> {
  const { members, fallback: { ordersToMove = 0 } = {} } = await of.read();
  if (wanted > members.length) await of.launch(requests(wanted - members.length));
  if (ordersToMove > 0) await of.withdraw(ordersToMove);
}

/** Orders agents of Spot for which AWS has no capacity, until Spot counts as short. */
async function becomeShort(count = 3): Promise<void> {
  await tick(spot.instances.size + count);
  await capacity.read();
  minutes(1);
  refuse();
  minutes(9);
  expect(await fallback()).toMatchObject({ active: true, ordersToMove: count });
}

/** The group launches all of its orders. */
function fill(group: AsgFake): void {
  while ([...group.instances.values()].filter(({ lifecycle }) => lifecycle).length < group.group.desired) group.add();
}

describe("launches", () => {
  it("go to Spot while it has capacity, and while its orders are young", async () => {
    await tick(3);
    refuse();
    minutes(9);
    await tick(5);
    expect(desired()).toEqual({ spot: 5, onDemand: 0 });
    fill(spot);
    minutes(60);
    await tick(6);
    expect(desired()).toEqual({ spot: 6, onDemand: 0 });
  });

  it.each([
    ["AWS says nothing", undefined],
    ["AWS names a quota", "Max spot instance count exceeded. Launching EC2 instance failed."],
    ["a setting is wrong", "The image id '[ami-0123]' does not exist. Launching EC2 instance failed."],
  ])("go to Spot though its orders stand for long, where %s", async (_, message) => {
    await tick(3);
    await capacity.read();
    if (message) refuse(message);
    minutes(11);
    expect(await fallback()).toMatchObject({ active: false, ordersToMove: 0 });
  });

  it("go to Spot where AWS had no capacity only before these orders stood", async () => {
    refuse();
    minutes(1);
    await tick(3);
    await capacity.read();
    minutes(11);
    expect(await fallback()).toMatchObject({ active: false });
  });

  it("go to On-Demand once an order has stood for the time without capacity, and what stood with Spot goes too", async () => {
    await becomeShort();
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 0 });
    minutes(1);
    expect(await fallback()).toEqual({ active: true, ordersToMove: 0, settling: true });
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 0 });
    minutes(1);
    expect(await fallback()).toEqual({ active: true, ordersToMove: 0, settling: false });
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 3 });
    await tick(3);
    fill(onDemand);
    await tick(4);
    expect(desired()).toEqual({ spot: 0, onDemand: 4 });
  });

  it("count from the oldest order of those that still stand", async () => {
    await tick(3);
    await capacity.read();
    minutes(5);
    spot.add();
    await tick(5);
    await capacity.read();
    minutes(5);
    refuse();
    expect(await fallback()).toMatchObject({ active: true, ordersToMove: 4 });
  });

  it("go to Spot again after the same time", async () => {
    await becomeShort();
    await tick(3);
    minutes(2);
    await tick(3);
    fill(onDemand);
    minutes(7);
    expect(await fallback()).toMatchObject({ active: true, ordersToMove: 0 });
    minutes(1);
    await tick(5);
    expect(desired()).toEqual({ spot: 2, onDemand: 3 });
    await capacity.read();
    refuse();
    minutes(11);
    expect(await fallback()).toMatchObject({ active: true, ordersToMove: 2 });
  });

  it("go back to Spot with orders that On-Demand does not fill either", async () => {
    await becomeShort();
    await tick(3);
    minutes(2);
    await tick(3);
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 3 });
    minutes(8);
    expect(await fallback()).toMatchObject({ active: false, ordersToMove: 0 });
    minutes(2);
    expect(await fallback()).toMatchObject({ active: false, ordersToMove: 3 });
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 0 });
    minutes(2);
    await tick(3);
    expect(desired()).toEqual({ spot: 3, onDemand: 0 });
  });

  it("know all that after a cold start, in the first group's place and the second's", async () => {
    await tick(3);
    await capacity.read();
    minutes(1);
    refuse();
    minutes(9);
    capacity = connect();
    expect(await fallback()).toMatchObject({ active: true, ordersToMove: 3 });
    await tick(3);
    capacity = connect();
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 0 });
    minutes(2);
    capacity = connect();
    await tick(3);
    expect(desired()).toEqual({ spot: 0, onDemand: 3 });
  });

  it("start to count anew where the notebook is lost, or holds something else", async () => {
    await becomeShort();
    for (const document of [undefined, { orders: "many" }]) {
      await notebooks.fallback.write(document ?? null);
      expect(await fallback(connect())).toMatchObject({ active: false, ordersToMove: 0 });
    }
  });

  it("never exceed the maximum with both groups together: members, orders, and those that leave", async () => {
    onDemand.group.desired = 3;
    fill(onDemand);
    onDemand.add({ lifecycle: "Terminating:Wait" });
    await capacity.read();
    // AWS launches a replacement right after the reading.
    onDemand.group.desired = 4;
    expect(await capacity.launch(requests(9))).toEqual({
      launched: 5,
      failures: [{ kind: "quota", message: `the group's maximum is ${max}`, count: 4 }],
    });
    expect(desired()).toEqual({ spot: 5, onDemand: 4 });
  });

  it("wait where the last change of the other group failed, which AWS may have carried out", async () => {
    await becomeShort();
    spot.refuse = ({ operation }) =>
      operation === "SetDesiredCapacity" ? awsError("InternalFailure", "down", 500) : undefined;
    await expect(capacity.withdraw(3)).rejects.toThrow("down");
    expect(await capacity.launch(requests(1))).toEqual({ launched: 0, failures: [] });
    expect(inputsOf(onDemand, "SetDesiredCapacity")).toEqual([]);
  });

  it("do not wait for a group of which nothing was withdrawn", async () => {
    spot.group.protectsNew = false;
    spot.group.desired = 1;
    fill(spot);
    await becomeShort();
    minutes(2);
    expect(await capacity.withdraw(3)).toBe(0);
    expect(await capacity.launch(requests(1))).toMatchObject({ launched: 1 });
    expect(desired()).toEqual({ spot: 4, onDemand: 1 });
  });
});

describe("withdrawing orders", () => {
  it("takes those first that cost more, or of Spot while it is short", async () => {
    await becomeShort(2);
    spot.group.desired = 2;
    onDemand.group.desired = 2;
    await capacity.read();
    expect(await capacity.withdraw(1)).toBe(1);
    expect(desired()).toEqual({ spot: 1, onDemand: 2 });
    fill(spot);
    await capacity.read();
    minutes(11);
    spot.group.desired = 3;
    await capacity.read();
    expect(await capacity.withdraw(5)).toBe(2);
    expect(desired()).toEqual({ spot: 3, onDemand: 0 });
    await capacity.read();
    expect(await capacity.withdraw(1)).toBe(1);
    expect(desired()).toEqual({ spot: 2, onDemand: 0 });
  });
});

describe("members", () => {
  it("are those of both groups, each order with a name of its own", async () => {
    for (const group of [spot, onDemand]) {
      group.group.desired = 2;
      group.add();
    }
    const { members } = await capacity.read();
    expect(members.map(({ id, agentName, phase }) => [id, agentName === id, phase])).toEqual([
      ["i-00000001", true, "running"],
      ["ordered 1", true, "ordered"],
      ["i-00000101", true, "running"],
      ["ordered 1 on demand", true, "ordered"],
    ]);
  });

  it("of both groups keep a fleet from being destroyed", async () => {
    expect(await capacity.remaining()).toEqual([]);
    const ids = [spot.add().id, onDemand.add().id];
    expect(await capacity.remaining()).toEqual(ids);
  });

  it("of the second group keep it, and those of the first do not", async () => {
    spot.add();
    expect(await capacity.remainingInFallback?.()).toEqual([]);
    const { id } = onDemand.add();
    expect(await capacity.remainingInFallback?.()).toEqual([id]);
  });

  it("have their own group's hook", async () => {
    const [one, other] = [spot.add({ lifecycle: "Terminating:Wait" }), onDemand.add({ lifecycle: "Terminating:Wait" })];
    await capacity.read();
    expect([one.id, other.id].map((id) => capacity.terminationHook?.(id))).toEqual([
      { name: "agent-fleets-retire", group: "ci" },
      { name: "agent-fleets-retire", group: "ci-on-demand" },
    ]);
  });

  it("are discarded, marked and given roles in their own group, and an order in none", async () => {
    const dead = { state: "terminated", stateReason: "Client.InstanceInitiatedShutdown" } as const;
    spot.group.desired = 1;
    onDemand.group.desired = 2;
    const [one, gone, other] = [spot.add(), onDemand.add(dead), onDemand.add()];
    onDemand.group.desired = 3;
    await capacity.read();
    await capacity.discard?.(gone.id, { mayReplace: false });
    await capacity.markRegistered?.([one.id, other.id]);
    await capacity.assignRole?.(other.id, "floor");
    await capacity.assignRole?.("ordered 1 on demand", "floor");
    expect(onDemand.group.desired).toBe(2);
    expect(one.tags.get("AgentFleetsRegistered")).toBe("true");
    expect([other.tags.get("AgentFleetsRegistered"), other.tags.get("AgentFleetsRole")]).toEqual(["true", "floor"]);
    const reading = await capacity.read();
    expect([failedIn(reading), reading.newLaunchFailures?.length]).toEqual([1, 1]);
  });

  it("that an old template launched are outdated in either group", async () => {
    for (const group of [spot, onDemand]) {
      group.group.desired = 2;
      group.add({ templateVersion: "2" });
      group.add();
    }
    expect((await capacity.read()).members.map(({ outdated }) => outdated)).toEqual([true, false, true, false]);
  });
});

it("failed launches are those of both groups together, and so is the circuit's count", async () => {
  const broken = "The image id '[ami-0123]' does not exist. Launching EC2 instance failed.";
  for (const group of [spot, onDemand]) group.log({ StatusCode: "Failed", StatusMessage: broken });
  refuse();
  const failure = { kind: "configuration", message: broken, count: 1 };
  expect(await capacity.read()).toMatchObject({
    launches: [{ result: "failed" }, { result: "failed" }],
    newLaunchFailures: [failure, failure],
    newShortages: [{ kind: "capacity", message: spotIsShort, count: 1 }],
  });
});
