import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDrainWorld, type DrainWorld } from "../drain-world.ts";

let world: DrainWorld;
const drain = (...args: string[]) => world.run("drain", "ci-agents", ...args);
const row = (id: string) => world.table.items.get(`override ${id}`)?.document?.S;

afterEach(() => world.close());

describe("fleet drain of tasks", () => {
  beforeEach(async () => {
    world = await createDrainWorld();
  });

  it("says who is left and what each waits for, and ends when AWS shows no task", async () => {
    world.putPool();
    const burst = world.addTask("ci_burst");
    const floor = world.addTask("ci_floor", "floor");
    const [one, other] = [String(burst.taskArn), String(floor.taskArn)];
    world.steps.push(
      async () => {
        await world.report({ [one]: "busy" });
      },
      async () => {
        world.endTask(burst);
        await world.report({ [other]: "idle" }, { role: "floor" });
      },
      async () => {
        world.endTask(floor);
        await world.report({});
      },
    );
    const { code, stdout, stderr } = await drain();
    expect([code, stdout]).toEqual([0, expect.stringContaining("ci-agents has no machine left")]);
    expect(stderr).toContain("2 left: 2 unknown. The loop has not looked yet");
    expect(stderr).toContain("(busy) waits for its job; then it leaves.");
    expect(stderr).toMatch(/\(idle\) waits for its next job, or the end of its lifetime at 2026-01-02T/);
    expect(stderr).toContain("docs/runbook.md, Taking a fleet down");
    expect(stderr).toContain("no machine is left");
    expect(JSON.parse(row("drain (fleet)") ?? "")).toEqual({ since: "2026-01-01T00:00:00.000Z" });
    expect(world.ecs.calls.map(({ operation }) => operation)).not.toContain("StopTask");
  });

  it("does not end while the loop has not said that it knows of the drain: it may launch an agent", async () => {
    world.putPool();
    const { code, stdout, stderr } = await drain("--timeout", "5m", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      stack: "ci-agents",
      pool: null,
      drained: false,
      loop_knows: false,
      left: [],
    });
    expect(stderr).toContain(
      "The loop has not looked since 2026-01-01T00:00:00.000Z: see docs/runbook.md, loop-failing",
    );
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toMatchObject({
      error: "The loop has not confirmed the drain after 5m.",
      hint: expect.stringContaining("fleet drain ci-agents --undo"),
    });
  });

  it("takes no report of an earlier drain for news", async () => {
    world.putPool();
    await world.report({});
    world.clock.advance(1000);
    expect((await drain("--timeout", "1m")).stderr).toContain("has not confirmed the drain");
  });

  it("fails when the time is over, names what is left, and the drain goes on", async () => {
    world.putPool();
    const task = String(world.addTask("ci_a").taskArn);
    world.addTask("ci_b");
    world.steps.push(() => world.report({ [task]: "unseen" }));
    const { code, stdout, stderr } = await drain("--timeout", "10m", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      drained: false,
      loop_knows: true,
      left: [
        { machine: task, state: "unseen", advice: expect.stringContaining("agents-unseen") },
        { state: "unknown", waits_for: expect.stringContaining("does not count it among its agents") },
      ],
    });
    expect(stderr).toContain("2 are left after 10m");
    expect(row("drain (fleet)")).toBeDefined();
    const again = await drain("--timeout", "1m");
    expect(again.stderr).toContain("ci-agents is being drained already");
    expect(row("drain (fleet)")).toContain("2026-01-01T00:00:00.000Z");
  });

  it("shows each agent once, and again only if it waits for something else", async () => {
    world.putPool();
    const task = String(world.addTask("ci_a").taskArn);
    world.steps.push(() => world.report({ [task]: "busy" }));
    const { stderr } = await drain("--timeout", "10m");
    expect(stderr.match(/\(busy\) waits for/g)).toHaveLength(1);
  });

  it("is ended by --undo, and by fleet resume", async () => {
    world.putPool();
    for (const end of [
      ["drain", "ci-agents", "--undo"],
      ["resume", "ci-agents"],
    ]) {
      await drain("--timeout", "1m");
      const limits = JSON.parse((await world.run("limits", "ci-agents", "--json")).stdout).pools;
      expect(limits).toMatchObject([{ min: 0, max: 0, drained_since: expect.any(String), stack: { max: 10 } }]);
      expect(await world.run(...end)).toMatchObject({ code: 0 });
      expect(row("drain (fleet)")).toBeUndefined();
    }
    expect(await drain("--undo")).toMatchObject({ code: 0, stdout: expect.stringContaining("was not being drained") });
  });

  it("stops waiting when somebody else ends it", async () => {
    world.putPool();
    world.addTask("ci_a");
    world.steps.push(() => void world.table.items.delete("override drain (fleet)"));
    const { code, stderr } = await drain();
    expect([code, stderr]).toEqual([1, expect.stringContaining("Somebody has ended the drain")]);
  });

  it("says so when somebody pauses the fleet meanwhile", async () => {
    world.putPool();
    world.addTask("ci_a");
    world.steps.push(() => world.table.putOverride("pause", undefined, {}));
    const { stderr } = await drain("--timeout", "2m");
    expect(stderr.match(/Somebody has paused ci-agents/g)).toHaveLength(1);
  });

  it("Ctrl-C ends the waiting and not the drain", async () => {
    world.putPool();
    world.addTask("ci_a");
    world.steps.push(() => void process.emit("SIGINT"));
    const { code, stderr } = await drain();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("The drain goes on. To wait again: fleet drain ci-agents"),
    ]);
    expect(row("drain (fleet)")).toBeDefined();
  });

  it("drains one pool of several", async () => {
    for (const pool of ["linux", "large"]) world.putPool({}, pool);
    world.steps.push(() => world.report({}, {}, "linux"));
    expect((await drain("--pool", "linux")).stdout).toContain("pool linux of ci-agents has no machine left");
    expect([row("drain linux"), row("drain (fleet)"), row("drain large")]).toEqual([
      expect.any(String),
      undefined,
      undefined,
    ]);
    await drain("--timeout", "1m");
    const { code, stderr } = await drain("--pool", "linux", "--undo");
    expect([code, stderr]).toEqual([1, expect.stringContaining("whole fleet ci-agents is being drained")]);
    expect((await drain("--undo")).code).toBe(0);
    expect([...world.table.items.keys()].filter((key) => key.startsWith("override"))).toEqual([]);
  });

  it.each<[what: string, set: () => void, args: string[], message: string]>([
    ["a paused fleet", () => world.table.putOverride("pause", undefined, {}), [], "is paused"],
    ["a fleet whose loop is off", () => world.putPool({ enabled: false }), [], "scaling.enabled: false"],
    ["a pool whose row is bad", () => world.table.putText("pool", "(fleet)", "{}"), [], "cannot be used"],
    ["a fleet that is not deployed", () => world.table.items.clear(), [], "sees no settings"],
    ["an unknown pool", () => {}, ["--pool", "linx"], "has no pool"],
    ["no time", () => {}, ["--timeout", "soon"], "no length of time"],
  ])("refuses %s, and changes nothing", async (_, set, args, message) => {
    world.putPool();
    set();
    const rows = JSON.stringify([...world.table.items]);
    const { code, stderr } = await drain(...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(JSON.stringify([...world.table.items])).toBe(rows);
  });

  it("says how it is called", async () => {
    const { stdout } = await world.run("drain", "--help");
    expect(stdout).toContain("fleet drain ci-agents --undo");
  });
});

describe("fleet drain of a group", () => {
  beforeEach(async () => {
    world = await createDrainWorld("group");
    world.putPool({ min: 2 });
    Object.assign(world.group, {
      desired: 2,
      instances: new Map([
        ["i-a", "InService"],
        ["i-b", "Standby"],
      ]),
    });
  });

  it("takes the group's own floor away, and nothing else, and gives it back in the end", async () => {
    world.steps.push(
      () => world.report({ "i-a": "offline" }),
      () => {
        world.group.instances.clear();
        world.group.desired = 0;
        return world.report({});
      },
    );
    const { code, stderr } = await drain();
    expect(code).toBe(0);
    expect(stderr).toContain("i-a (offline) waits for proof that it does not work");
    expect(stderr).toContain("i-b (unknown) waits for a person");
    expect(world.updates).toEqual([0]);
    await drain("--undo");
    expect(world.updates).toEqual([0, 2]);
    const actions = world.aws.requests.map(({ body }) => new URLSearchParams(body.toString()).get("Action"));
    expect(actions).not.toContain("TerminateInstanceInAutoScalingGroup");
    expect(actions).not.toContain("SetDesiredCapacity");
  });

  it("takes it away again where a deployment has given it back", async () => {
    world.steps.push(() => {
      world.group.min = 2;
    });
    await drain("--timeout", "1m");
    expect(world.updates.slice(0, 2)).toEqual([0, 0]);
  });

  it("says that the drain has begun where AWS refuses that", async () => {
    world.refuseUpdates();
    const { code, stderr } = await drain();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("The drain has begun, but the Auto Scaling group keeps"),
    ]);
    expect(stderr).toContain("UpdateAutoScalingGroup");
  });
});
