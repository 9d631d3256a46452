import type { Task } from "@aws-sdk/client-ecs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEcsCapacity } from "../../../../handlers/lib/aws/ecs-capacity.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { ecsClientOver } from "../../../../scripts/simulate/world/ecs.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { failedIn } from "../../../fixtures/launches.ts";
import { ecsConfig as config, type EcsHarness, requests, startEcsHarness } from "./ecs-harness.ts";

let clock: EcsHarness["clock"];
let ecs: EcsHarness["ecs"];
let http: EcsHarness["http"];
let callsOf: EcsHarness["callsOf"];
let connect: EcsHarness["connect"];
let capacity: Capacity;

beforeEach(async () => {
  const harness = await startEcsHarness();
  ({ clock, ecs, http, callsOf, connect } = harness);
  capacity = harness.connect();
});

afterEach(() => http.close());

/** A task as the adapter launches it. */
function ours(name: string, role = "burst"): Pick<Task, "overrides"> {
  const environment = [
    { name: "TFC_AGENT_NAME", value: name },
    { name: "AGENT_FLEETS_ROLE", value: role },
  ];
  return { overrides: { containerOverrides: [{ name: "agent", environment }] } };
}

describe("reading", () => {
  it("gives back every task it launched, as what it was launched", async () => {
    const { taskArn } = ecs.add({ ...ours("ci_x", "floor"), createdAt: new Date("2025-12-31T23:00:00.500Z") });
    expect((await capacity.read()).members).toEqual([
      {
        id: taskArn,
        agentName: "ci_x",
        role: "floor",
        phase: "running",
        launchedAt: new Date("2025-12-31T23:00:00.500Z"),
        registered: undefined,
      },
    ]);
  });

  it.each([
    ["PROVISIONING", "RUNNING", "ordered"],
    ["PROVISIONING", "STOPPED", "stopping"],
    ["PENDING", "RUNNING", "pending"],
    ["ACTIVATING", "RUNNING", "pending"],
    ["RUNNING", "RUNNING", "running"],
    ["RUNNING", "STOPPED", "stopping"],
    ["DEPROVISIONING", "STOPPED", "stopping"],
    ["STOPPED", "STOPPED", undefined],
  ])("sees a task that is %s and shall be %s as %s", async (lastStatus, desiredStatus, phase) => {
    ecs.add({ ...ours("ci_x"), lastStatus, desiredStatus });
    expect((await capacity.read()).members.map((member) => member.phase)).toEqual(phase ? [phase] : []);
  });

  it("ignores tasks of the family that others started, and other families", async () => {
    ecs.add({});
    ecs.add({
      overrides: { containerOverrides: [{ name: "agent", environment: [{ name: "TFC_AGENT_NAME", value: "x" }] }] },
    });
    ecs.add(ours("ci_x", "boss"));
    ecs.add({ ...ours("ci_x"), family: "other" });
    expect(await capacity.read()).toEqual({ members: [], launches: [] });
  });

  it("still counts a task that a long list leaves out because others before it stop between two pages", async () => {
    const tasks = Array.from({ length: 150 }, (_, index) => ecs.add(ours(`ci_${index}`)));
    expect((await capacity.read()).members).toHaveLength(150);
    let pages = 0;
    ecs.listingLagMilliseconds = () => {
      // The second page begins after as many tasks as the first one had, of those that run by then.
      if (pages === 1) for (const task of tasks.slice(0, 5)) task.desiredStatus = "STOPPED";
      return 0;
    };
    const perform = ecs.perform.bind(ecs);
    ecs.perform = (call) => {
      const answer = perform(call);
      if (call.operation === "ListTasks") pages += 1;
      return answer;
    };
    const members = (await capacity.read()).members.map(({ agentName }) => agentName);
    expect(new Set(members)).toEqual(new Set(tasks.map((_, index) => `ci_${index}`)));
  });

  it("pages through long lists and describes a hundred tasks at a time", async () => {
    for (let index = 0; index < 250; index += 1) ecs.add(ours(`ci_${index}`));
    expect((await capacity.read()).members).toHaveLength(250);
    const running = callsOf("ListTasks").filter((input) => input.desiredStatus === "RUNNING");
    expect(running).toHaveLength(3);
    expect(callsOf("DescribeTasks").map((input) => (input.tasks as string[]).length)).toEqual([100, 100, 50]);
  });

  it("describes a stopped task once only", async () => {
    const { taskArn } = ecs.add({ lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    await capacity.read();
    await capacity.read();
    expect(callsOf("DescribeTasks")).toEqual([{ cluster: config.cluster, tasks: [taskArn], include: ["TAGS"] }]);
  });

  it("forgets stopped tasks when ECS does", async () => {
    ecs.add({ lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    await capacity.read();
    ecs.listingLagMilliseconds = () => 1;
    await capacity.read();
    ecs.listingLagMilliseconds = () => 0;
    await capacity.read();
    expect(callsOf("DescribeTasks")).toHaveLength(2);
  });

  it("takes a task of unknown age for a young one, which nobody stops", async () => {
    const task = ecs.add(ours("ci_x"));
    delete task.createdAt;
    expect((await capacity.read()).members[0]?.launchedAt).toEqual(clock.now());
  });

  it.each(["ListTasks", "DescribeTasks"])("fails when %s fails, rather than show a part", async (operation) => {
    ecs.add(ours("ci_x"));
    const answer = ecs.answer;
    ecs.answer = (request) =>
      String(request.headers["x-amz-target"]).endsWith(operation) ? { status: 500, json: {} } : answer(request);
    await expect(capacity.read()).rejects.toThrow();
  });
});

describe("what ListTasks does not show yet", () => {
  beforeEach(() => {
    ecs.listingLagMilliseconds = () => 60_000;
  });

  const members = async () => (await capacity.read()).members.map(({ agentName, phase }) => `${agentName} ${phase}`);

  it("is remembered, and counted once when it appears", async () => {
    await capacity.launch(requests(2));
    expect(await members()).toEqual(["ci_0 pending", "ci_1 pending"]);
    clock.advance(60_000);
    for (const task of ecs.tasks.values()) task.lastStatus = "RUNNING";
    expect(await members()).toEqual(["ci_0 running", "ci_1 running"]);
  });

  it("is remembered even if the list shows it and then loses it again", async () => {
    await capacity.launch(requests(1));
    clock.advance(60_000);
    await members();
    ecs.listingLagMilliseconds = () => 90_000;
    expect(await members()).toEqual(["ci_0 ordered"]);
  });

  it("is asked for by name however old it is: a list that changes between two of its pages may leave one out", async () => {
    await capacity.launch(requests(1));
    clock.advance(600_000);
    await members();
    ecs.listingLagMilliseconds = () => Number.POSITIVE_INFINITY;
    for (const _ of [1, 2]) expect(await members()).toEqual(["ci_0 ordered"]);
    for (const task of ecs.tasks.values()) Object.assign(task, { lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    for (const _ of [1, 2]) expect(await members()).toEqual([]);
  });

  it("is forgotten once it has stopped", async () => {
    await capacity.launch(requests(1));
    ecs.listingLagMilliseconds = () => 0;
    for (const task of ecs.tasks.values()) Object.assign(task, { lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    expect(await members()).toEqual([]);
  });

  it("is forgotten after two minutes", async () => {
    ecs.listingLagMilliseconds = () => Number.POSITIVE_INFINITY;
    await capacity.launch(requests(1));
    clock.advance(119_999);
    expect(await members()).toHaveLength(1);
    clock.advance(1);
    expect(await members()).toEqual([]);
  });

  it("counts for half a minute if ECS left open whether it started it, and goes by what the list then shows", async () => {
    http.fail({ times: 1, answer: "cut-off" });
    expect(await capacity.launch(requests(1))).toMatchObject({ launched: 0, failures: [{ kind: "throttling" }] });
    expect(await members()).toEqual(["ci_0 pending"]);
    clock.advance(29_999);
    expect(await members()).toEqual(["ci_0 pending"]);
    clock.advance(1);
    expect(await members()).toEqual([]);
    clock.advance(30_000);
    expect(await members()).toEqual(["ci_0 ordered"]);
  });

  it("does not count if ECS refused it", async () => {
    ecs.refuse = () => ({ exception: "ThrottlingException", message: "Rate exceeded" });
    await capacity.launch(requests(1));
    expect(await members()).toEqual([]);
  });
});

describe("launches in vain", () => {
  const crashed = (stoppedAt: Date): Partial<Task> => ({
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "TaskFailedToStart",
    stoppedReason: "CannotPullContainerError",
    stoppedAt,
  });
  const secondsAgo = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000);

  it("count for an hour", async () => {
    ecs.add(crashed(secondsAgo(10)));
    ecs.add(crashed(secondsAgo(3_599)));
    ecs.add(crashed(secondsAgo(3_600)));
    ecs.add({ ...crashed(secondsAgo(10)), stopCode: "SpotInterruption" });
    expect(failedIn(await capacity.read())).toBe(2);
    clock.advance(1_000);
    expect(failedIn(await capacity.read())).toBe(1);
  });

  it("are told with all launches of the hour, those that worked and those still open, after a cold start too", async () => {
    const done = { ...crashed(secondsAgo(60)), stopCode: "EssentialContainerExited" } as const;
    ecs.add({ ...crashed(secondsAgo(10)), createdAt: secondsAgo(50) });
    ecs.add({ ...done, createdAt: secondsAgo(600), startedAt: secondsAgo(500), containers: [{ exitCode: 0 }] });
    ecs.add({ ...done, createdAt: secondsAgo(3_700), startedAt: secondsAgo(3_650), containers: [{ exitCode: 0 }] });
    ecs.add({ ...ours("ci_x"), createdAt: secondsAgo(40), tags: [{ key: "AgentFleetsRegistered", value: "true" }] });
    ecs.add({ ...ours("ci_y"), createdAt: secondsAgo(30) });
    ecs.add({ ...ours("ci_old"), createdAt: secondsAgo(3_601) });
    ecs.add({ ...ours("ci_order"), createdAt: secondsAgo(20), lastStatus: "PROVISIONING" });
    // Withdrawn before it ran, and without a host: no launches.
    ecs.add({ ...crashed(secondsAgo(5)), createdAt: secondsAgo(15), stopCode: "UserInitiated" });
    ecs.add({ ...crashed(secondsAgo(5)), createdAt: secondsAgo(15), stoppedReason: "RESOURCE:CPU" });
    const expected = [
      { at: secondsAgo(50), result: "failed" },
      { at: secondsAgo(600), result: "worked" },
      { at: secondsAgo(40), result: "worked" },
      { at: secondsAgo(30), result: "open" },
    ];
    for (const reading of [await capacity.read(), await connect().read()]) expect(reading.launches).toEqual(expected);
  });

  it("do not hold up for long a fleet whose image is still to be built", async () => {
    ecs.add({ ...crashed(secondsAgo(599)), stoppedReason: "CannotPullContainerError: ci:current: not found" });
    expect(failedIn(await capacity.read())).toBe(1);
    clock.advance(1_000);
    expect(failedIn(await capacity.read())).toBe(0);
  });

  it("are told once, with AWS's own words, whatever their cause", async () => {
    const told = async () => (await capacity.read()).newLaunchFailures;
    ecs.add(crashed(secondsAgo(61)));
    ecs.add(crashed(secondsAgo(59)));
    expect(await told()).toEqual([{ kind: "configuration", message: "CannotPullContainerError", count: 1 }]);
    expect(await told()).toBeUndefined();
    ecs.add({ ...crashed(secondsAgo(5)), stoppedReason: "Something new" });
    ecs.add({ ...crashed(secondsAgo(4)), stoppedReason: "Something new" });
    ecs.add({ ...crashed(secondsAgo(3)), stopCode: "EssentialContainerExited", containers: [{ exitCode: 86 }] });
    expect(await told()).toEqual([
      { kind: "capacity", message: "Something new", count: 2 },
      { kind: "configuration", message: "the agent did not register in time and was ended by its task", count: 1 },
    ]);
  });

  it("are none where AWS found no host", async () => {
    for (const stoppedReason of ["RESOURCE:CPU", "RESOURCE:MEMORY", "EMPTY CAPACITY PROVIDER", "AGENT"]) {
      ecs.add({ ...crashed(secondsAgo(5)), stoppedReason: `TaskFailedToStart: ${stoppedReason}` });
    }
    expect(await capacity.read()).toMatchObject({
      launches: [],
      newLaunchFailures: undefined,
      newShortages: { length: 4 },
    });
  });
});

describe("a task that waited for its host", () => {
  const minutes = (count: number) => clock.advance(count * 60_000);
  const launchedAt = async (of = capacity) => (await of.read()).members[0]?.launchedAt;

  it("is as old as its place, of which ECS tells", async () => {
    const task = ecs.add({ ...ours("ci_x"), lastStatus: "PROVISIONING" });
    minutes(25);
    const placed = clock.now();
    minutes(1);
    Object.assign(task, { lastStatus: "PENDING", connectivityAt: placed, pullStartedAt: clock.now() });
    expect(await launchedAt()).toEqual(placed);
    // The host's agent has lost its connection for a moment.
    Object.assign(task, { lastStatus: "RUNNING", connectivityAt: new Date(clock.now().getTime() + 3_600_000) });
    expect(await launchedAt()).toEqual(task.pullStartedAt);
  });

  it("is as old as our first sight of its place where ECS does not tell, after a cold start too", async () => {
    const task = ecs.add({ ...ours("ci_x"), lastStatus: "PROVISIONING" });
    expect(await launchedAt()).toEqual(task.createdAt);
    minutes(25);
    task.lastStatus = "PENDING";
    const seen = clock.now();
    expect(await launchedAt()).toEqual(seen);
    minutes(1);
    expect(await launchedAt()).toEqual(seen);
    expect(await launchedAt(connect())).toEqual(clock.now());
    task.lastStatus = "RUNNING";
    expect(await launchedAt()).toEqual(seen);
  });
});

describe("withdrawing", () => {
  const statuses = () => [...ecs.tasks.values()].map(({ desiredStatus }) => desiredStatus);

  it("stops the newest tasks that have no place yet, and no others", async () => {
    for (const lastStatus of ["PROVISIONING", "PROVISIONING", "PROVISIONING", "PENDING", "RUNNING"]) {
      ecs.add({ ...ours(`ci_${ecs.tasks.size}`), lastStatus });
      clock.advance(1_000);
    }
    ecs.add({ lastStatus: "PROVISIONING" });
    expect(await capacity.withdraw?.(2)).toBe(2);
    expect(statuses()).toEqual(["RUNNING", "STOPPED", "STOPPED", "RUNNING", "RUNNING", "RUNNING"]);
    expect(await capacity.withdraw?.(5)).toBe(1);
    expect(await capacity.withdraw?.(5)).toBe(0);
  });

  it("leaves a task alone that gets its place just before it would be stopped", async () => {
    const task = ecs.add({ ...ours("ci_x"), lastStatus: "PROVISIONING" });
    const answer = ecs.answer;
    ecs.answer = (request) => {
      const answered = answer(request);
      if (String(request.headers["x-amz-target"]).endsWith("DescribeTasks")) task.lastStatus = "PENDING";
      return answered;
    };
    expect(await capacity.withdraw?.(1)).toBe(0);
    expect(statuses()).toEqual(["RUNNING"]);
  });

  it("leaves a task alone that had a place or an agent already, though ECS shows late that it waits for one", async () => {
    const placed = ecs.add({ ...ours("ci_x"), lastStatus: "RUNNING" });
    const registered = ecs.add({ ...ours("ci_y"), lastStatus: "PROVISIONING" });
    await capacity.read();
    await capacity.markRegistered?.([String(registered.taskArn)]);
    Object.assign(placed, { lastStatus: "PROVISIONING" });
    expect((await capacity.read()).members.map(({ phase }) => phase)).toEqual(["pending", "pending"]);
    expect(await capacity.withdraw?.(2)).toBe(0);
  });

  it("is no failed launch", async () => {
    const task = ecs.add({ ...ours("ci_x"), lastStatus: "PROVISIONING" });
    await capacity.withdraw?.(1);
    Object.assign(task, { lastStatus: "STOPPED", stoppedAt: clock.now() });
    expect(await capacity.read()).toEqual({ members: [], launches: [] });
  });

  it("fails when ECS refuses", async () => {
    ecs.add({ ...ours("ci_x"), lastStatus: "PROVISIONING" });
    const answer = ecs.answer;
    ecs.answer = (request) =>
      String(request.headers["x-amz-target"]).endsWith("StopTask")
        ? { status: 400, json: { __type: "AccessDeniedException", message: "not authorized" } }
        : answer(request);
    await expect(capacity.withdraw?.(1)).rejects.toThrow("not authorized");
  });
});

describe("marking who has registered", () => {
  const registered = async (of = capacity) => (await of.read()).members.map((member) => member.registered);

  it("tags the tasks, and remembers it for good", async () => {
    const [one, two] = [ecs.add(ours("ci_1")), ecs.add(ours("ci_2"))];
    expect(await registered()).toEqual([undefined, undefined]);
    await capacity.markRegistered?.([String(one.taskArn)]);
    expect(callsOf("TagResource")).toEqual([
      { resourceArn: one.taskArn, tags: [{ key: "AgentFleetsRegistered", value: "true" }] },
    ]);
    expect(await registered(connect())).toEqual([true, undefined]);
    one.tags = [];
    two.tags = [{ key: "Team", value: "ci" }];
    expect(await registered()).toEqual([true, undefined]);
  });

  it("is done when the task is gone", async () => {
    const { taskArn } = ecs.add({ ...ours("ci_x"), lastStatus: "STOPPED" });
    await capacity.markRegistered?.([String(taskArn), "arn:aws:ecs:us-east-1:000000000000:task/ci/99"]);
    expect(callsOf("TagResource")).toHaveLength(2);
  });

  it("remembers nobody that it could not tag", async () => {
    const { taskArn } = ecs.add(ours("ci_x"));
    http.fail({
      times: 1,
      answer: { status: 400, json: { __type: "AccessDeniedException", message: "not authorized" } },
    });
    await expect(capacity.markRegistered?.([String(taskArn)])).rejects.toThrow("not authorized");
    expect(await registered()).toEqual([undefined]);
  });
});

describe("on a shared cluster, where the loop may describe tasks of its fleet only", () => {
  const fleet = [{ key: "Fleet", value: "ci" }];
  const launched = (name: string) => ({ ...ours(name), startedBy: "agent-fleets", tags: fleet });
  const names = async () => (await capacity.read()).members.map(({ agentName }) => agentName);

  beforeEach(() => {
    ecs.mayDescribe = ({ tags = [] }) => tags.some(({ key, value }) => key === "Fleet" && value === "ci");
  });

  it("a task of our family that somebody ran by hand hides none of ours", async () => {
    ecs.add(launched("ci_1"));
    ecs.add({ ...launched("ci_2"), desiredStatus: "STOPPED", lastStatus: "STOPPED" });
    ecs.add({ ...ours("ci_by_hand"), startedBy: "admin" });
    expect(await names()).toEqual(["ci_1"]);
    ecs.add({ ...ours("ci_stopped_by_hand"), desiredStatus: "STOPPED", lastStatus: "STOPPED" });
    expect(await names()).toEqual(["ci_1"]);
  });

  it("such a task alone means that we have none", async () => {
    ecs.add(ours("ci_by_hand"));
    expect(await names()).toEqual([]);
  });

  it("a task that a loop launched and that we may not see may be at work: the pass fails", async () => {
    ecs.add(launched("ci_1"));
    ecs.add({ ...launched("ci_2"), tags: [] });
    ecs.add(ours("ci_by_hand"));
    await expect(capacity.read()).rejects.toThrow("not authorized");
  });

  it("a policy that is not there yet is no proof that we have no tasks", async () => {
    ecs.add(launched("ci_1"));
    ecs.mayDescribe = () => false;
    await expect(capacity.read()).rejects.toThrow("not authorized");
  });
});

it("every call names the fleet's cluster: ECS would take the account's default one", async () => {
  await capacity.launch(requests(1));
  await capacity.read();
  expect(new Set(ecs.calls.map(({ operation }) => operation)).size).toBe(3);
  expect(ecs.calls.every(({ input }) => input.cluster === config.cluster)).toBe(true);
});

describe("what a destroy would end", () => {
  it.each([
    ["PROVISIONING", "RUNNING", true],
    ["RUNNING", "RUNNING", true],
    ["RUNNING", "STOPPED", true],
    ["DEPROVISIONING", "STOPPED", true],
    ["STOPPED", "STOPPED", false],
  ])("counts a task that is %s and shall be %s: %s", async (lastStatus, desiredStatus, counts) => {
    const { taskArn } = ecs.add({ lastStatus, desiredStatus });
    expect(await capacity.remaining()).toEqual(counts ? [taskArn] : []);
  });

  it("counts a task that ECS does not list yet", async () => {
    ecs.listingLagMilliseconds = () => 60_000;
    await capacity.launch(requests(1));
    expect(await capacity.remaining()).toHaveLength(1);
  });
});

it("sees a task that begins to stop while it lists the tasks", async () => {
  const task = ecs.add({ ...ours("ci_x"), lastStatus: "RUNNING" });
  const client = ecsClientOver(async (call) => {
    // The list of running tasks is the slower one, and the task begins to stop before it.
    if (call.operation === "ListTasks" && call.input.desiredStatus === "RUNNING") {
      await Promise.resolve();
      Object.assign(task, { desiredStatus: "STOPPED" });
    }
    return ecs.perform(call);
  });
  const connected = createEcsCapacity(config, { ecs: client, clock, notebook: createNotebookFake() });
  expect((await connected.read()).members).toMatchObject([{ agentName: "ci_x", phase: "stopping" }]);
  Object.assign(task, { desiredStatus: "RUNNING" });
  expect(await connected.remaining()).toEqual([task.taskArn]);
});
