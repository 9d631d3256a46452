import { describe, expect, it } from "vitest";
import type { statusOf } from "../../../../scripts/cli/desk/status.ts";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import type { DeskWorld } from "../../../fakes/desk-world.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";
import { synthesizerOf } from "../synthesizer.ts";
import { closeDesks, openDesk } from "./world.ts";

type Status = ReturnType<typeof statusOf>;

const agentA = `${fleetName}_a`;
const agentB = `${fleetName}_b`;

closeDesks();

describe("fleet status", () => {
  it("shows queue, agents, decisions, circuit, alarms, secrets, image and cost, and asks no vendor", async () => {
    const { world, json, run } = await openDesk();
    world.decide({
      secondsAgo: 3,
      queued: 3,
      running: 1,
      waitedSeconds: 130,
      states: { busy: [agentA], idle: [agentB] },
    });
    const status = await json<Status>("status");
    expect(status).toMatchObject({ stack: fleetName, vendor: "hcp-terraform", loop_late: false, unread: [] });
    expect(status.pools).toMatchObject([
      {
        pool: fleetName,
        decided_seconds_ago: 3,
        queued: 3,
        oldest_queued_seconds: 130,
        running: 1,
        wanted: 4,
        supply: 2,
        min: 0,
        max: 10,
        agents: { busy: 1, idle: 1 },
        circuit: "closed",
        held_because: null,
      },
    ]);
    expect(status.pools[0]?.decisions.map(({ action }) => action)).toEqual(["scale-out", "hold", "hold"]);
    expect(status.agents).toMatchObject([
      { agent: agentA, state: "busy", age_seconds: 600, where: "eu-west-1a 10.40.0.7", type: "FARGATE" },
      { agent: agentB, state: "idle" },
    ]);
    expect(status.alarms).toEqual({ total: 3, on: [], without_data: [] });
    expect(status.secrets.map(({ has_value: value }) => value)).toEqual([true, true, true]);
    expect(status.images).toMatchObject([{ age_seconds: 3 * 86_400, age_unknown_because: null }]);
    // 2 × (1 vCPU × 0.04048 + 2 GiB × 0.004445)
    expect(status.cost).toMatchObject({ running_agents: 2, agents_per_hour: 0.0987 });
    expect(status.cost.fixed?.map(({ name, count }) => [name, count])).toEqual([
      ["NAT gateway", 1],
      ["elastic IP", 1],
      ["alarm, per metric", expect.any(Number)],
      ["metric", expect.any(Number)],
      ["dashboard", 1],
      ["secret", 3],
    ]);
    const { stdout, code } = await run("status");
    expect(code).toBe(0);
    expect(stdout).toMatch(/Queue +3 jobs wait, the longest for 2 min; 1 run/);
    expect(stdout).not.toContain("canary");
    const changing = /:(?!(Get|List|Describe|Filter|Query))/;
    expect(world.calls.filter(({ action }) => changing.test(action))).toEqual([]);
  });

  it("says loudly that the loop does not decide, and how old everything is", async () => {
    const { world, json, run } = await openDesk();
    world.lines = [];
    world.decide({ secondsAgo: 7200, running: 1, states: { busy: [agentA] } });
    expect(await json<Status>("status")).toMatchObject({ loop_late: true, pools: [{ decided_seconds_ago: 7200 }] });
    const [, alert] = (await run("status")).stdout.split("\n");
    expect(alert).toMatch(/^!! +THE LOOP HAS NOT DECIDED FOR 2 h 00 min/);
  });

  it("says so of a fleet that has never decided", async () => {
    const { world, run } = await openDesk();
    world.lines = [];
    const { stdout } = await run("status");
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      "!! THE LOOP HAS NOT DECIDED FOR A DAY, OR NEVER (ci-agents): after a first deploy, look again in two minutes. " +
        "Else run fleet doctor ci-agents",
    );
    expect(stdout).toMatch(/Queue +unknown/);
    expect(stdout).toMatch(/ci-agents_a +unknown/);
  });

  it("shows unseen agents and since when they are missing, new ones, and ones that leave", async () => {
    const { world, json } = await openDesk();
    world.decide({ states: { unseen: [agentA], busy: [agentB] } });
    world.remember({ missingSince: { [agentA]: world.secondsAgo(900).getTime() } });
    world.addTask("just-launched", { createdAt: world.secondsAgo(1), startedAt: world.secondsAgo(1) });
    world.addTask("leaving", { desiredStatus: "STOPPED" });
    expect((await json<Status>("status")).agents).toMatchObject([
      { agent: agentA, state: "unseen", missing_seconds: 900 },
      { agent: agentB, state: "busy", missing_seconds: null },
      { agent: "just-launched", state: "new" },
      { agent: "leaving", state: "leaving" },
    ]);
  });

  it("shows why a retirement waits, an open circuit, an alarm, a secret without value and what holds the loop", async () => {
    const { world, run } = await openDesk("instances");
    const drained = JSON.stringify({ drain: { state: "busy" } });
    world.executions = [
      {
        name: "i-00000001.outdated.1",
        status: "RUNNING",
        startedAt: world.secondsAgo(1800),
        input: { agent: { name: "i-00000001" }, reason: "outdated", deadline: world.secondsAgo(-600).toISOString() },
        events: [
          { type: "WaitStateEntered", stateEnteredEventDetails: { name: "Wait" } },
          { type: "TaskStateExited", stateExitedEventDetails: { name: "Drain", output: drained } },
          { type: "TaskSucceeded" },
        ],
      },
    ];
    world.remember({ circuit: { openSince: world.secondsAgo(300).getTime() } });
    world.alarms.push({ name: "dead-letters", state: "ALARM" });
    world.secrets.set(`agent-fleets/${fleetName}/api-key-secret`, "");
    world.policy = { enabled: false };
    const { stdout } = await run("status", "--price", "0.5");
    expect(stdout).toMatch(/^!! The loop launches and retires nothing in ci-agents: scaling.enabled is false/m);
    expect(stdout).toMatch(/Circuit +OPEN since 2025-12-31T23:55/);
    expect(stdout).toMatch(/Alarms +ON: dead-letters for 4 min/);
    expect(stdout).toContain("api-key-secret WITHOUT A VALUE");
    expect(stdout).toContain("Image      ami-1, 9 d old");
    expect(stdout).toContain("2 agents $1.00 an hour");
    expect(stdout).toMatch(/i-00000001 \(outdated\) for 30 min, until 2026-01-01T00:10:00.000Z: the agent has a job/);
  });

  it("shows the pools of a fleet each with its own queue, limits, memory, agents, price and alarms", async () => {
    const { world, json, run } = await openDesk("pools");
    world.decide({ pool: "large", queued: 2, running: 2, waitedSeconds: 60, states: { busy: ["ci-agents.large_a"] } });
    world.remember({ circuit: { openSince: world.secondsAgo(60).getTime() } }, "ci-agents.large");
    world.alarms.push({ name: "large-circuit-open", state: "ALARM", section: "circuit-open" });
    const status = await json<Status>("status");
    expect(status.pools).toMatchObject([
      { pool: "ci-agents.linux", queued: 0, oldest_queued_seconds: null, min: 1, max: 5, circuit: "closed" },
      { pool: "ci-agents.large", queued: 2, oldest_queued_seconds: 60, min: 1, max: 2, circuit: "open" },
    ]);
    expect(status.agents).toMatchObject([
      { agent: "ci-agents.linux_a", pool: "ci-agents.linux", state: "idle" },
      { agent: "ci-agents.large_a", pool: "ci-agents.large", state: "busy" },
    ]);
    expect(status.alarms).toMatchObject({ total: 6, on: [{ name: "large-circuit-open" }] });
    expect(status.images.map(({ pool }) => pool)).toEqual(["ci-agents.linux", "ci-agents.large"]);
    // 1 vCPU and 2 GiB, and 4 vCPU and 16 GiB.
    expect(status.cost.agents_per_hour).toBeCloseTo(0.04937 + 0.23304, 3);
    const headings = (await run("status")).stdout.match(/^Pool .*$/gm);
    expect(headings).toEqual(["Pool ci-agents.linux", "Pool ci-agents.large"]);
  });

  it("shows the limits in force and until when they hold, and a pause with its reason", async () => {
    const { world, json, run } = await openDesk("pools");
    const until = "2026-01-01T02:00:00.000Z";
    world.settings.putOverride("limits", "linux", { min: 0, max: 3, until: new Date(until) });
    world.settings.putOverride("pause", "large", { reason: "vendor \u001b[2J incident" });
    const [linux, large] = (await json<Status>("status")).pools;
    expect(linux).toMatchObject({ min: 0, max: 3, limits_until: until, stack: { min: 1, max: 5 }, paused: null });
    expect(large).toMatchObject({ min: 1, max: 2, limits_until: null, paused: { until: null } });
    const stdout = (await run("status")).stdout.replaceAll(/\n +/g, " ");
    expect(stdout).toContain(`min 0, max 3 until ${until} (the stack has min 1, max 5)`);
    expect(stdout).toContain(
      "!! The loop launches and retires nothing in ci-agents.large: an operator paused it until somebody resumes it: vendor \\u001b[2J incident",
    );
  });

  it("shows a drain: of what, since when, and what each machine that is left waits for", async () => {
    const { world, json, run } = await openDesk("pools");
    world.settings.putOverride("drain", "linux", { since: world.secondsAgo(900) });
    const [task = ""] = world.ecs.tasks.keys();
    world.reportDrain(
      5,
      [{ name: "ci-agents.linux_a", capacityId: task, state: "busy", role: "burst" }],
      "ci-agents.linux",
    );
    const { drain, unread } = await json<Status>("status");
    expect(unread).toEqual([]);
    expect(drain).toMatchObject({
      pools: [{ pool: "ci-agents.linux", since: "2025-12-31T23:45:00.000Z" }],
      of_all_pools: false,
      loop_knows: true,
      left: [{ agent: "ci-agents.linux_a", state: "busy", waits_for: "its job; then it goes" }],
    });
    const stdout = (await run("status")).stdout.replaceAll(/\n +/g, " ");
    expect(stdout).toMatch(/^!! Being drained: ci-agents.linux since .*; 1 machine is left; the other pools go on$/m);
    expect(stdout).toMatch(/^The drain waits ci-agents.linux_a \(busy\) for its job; then it goes\.$/m);
    expect((await (await openDesk()).json<Status>("status")).drain).toBeNull();
  });

  it("shows the floor that the schedule sets now", async () => {
    const { world, json } = await openDesk();
    const entry = (hour: number, min: number) => ({ cron: `0 ${hour} * * *`, timeZone: "UTC", min });
    world.policy = { min: 1, schedule: [entry(23, 4), entry(1, 2)] };
    const [pool] = (await json<Status>("status")).pools;
    expect(pool).toMatchObject({ min: 4, max: 10, stack: { min: 1, max: 10 } });
  });

  it("says why the settings of one pool cannot be used, guesses nothing of it, and shows the others", async () => {
    const { world, json, run } = await openDesk("pools");
    world.settings.putText("pool", "large", "{}");
    const status = await json<Status>("status");
    expect(status.pools).toMatchObject([
      { pool: "ci-agents.linux", min: 1, max: 5 },
      { pool: "ci-agents.large", min: null, max: null, held_because: null, stack: null },
    ]);
    expect(status.agents.map(({ pool }) => pool)).toEqual(["ci-agents.linux"]);
    expect(status.cost).toMatchObject({ running_agents: null, agents_per_hour: null, per_hour: null });
    expect(status.unread).toEqual([
      { part: "the settings of ci-agents.large", why: expect.stringContaining("policy") },
    ]);
    expect((await run("status")).stdout).toMatch(
      /limits unknown[\s\S]*Could not be read\n {2}the settings of ci-agents.large/,
    );
  });

  it("says of the one pool that fails that it does not decide", async () => {
    const { world, run } = await openDesk("pools");
    world.lines = [];
    world.decide({ pool: "large", secondsAgo: 5 });
    world.decide({ pool: "linux", secondsAgo: 500 });
    const { stdout } = await run("status");
    expect(stdout.match(/THE LOOP HAS NOT DECIDED/g)).toHaveLength(1);
    expect(stdout).toContain("FOR 8 min (ci-agents.linux)");
  });

  it("names an unknown price, and what a pool of others costs is not its own", async () => {
    const { json, run } = await openDesk("instances");
    const { cost } = await json<Status>("status");
    expect(cost).toMatchObject({ agents_per_hour: null, per_hour: null, per_month: null, running_agents: 2 });
    expect((await run("status")).stdout.replaceAll(/\s+/g, " ")).toContain(
      "2 agents of an unknown price (--price gives one); fixed parts $",
    );
  });

  it("says that the fixed parts are unknown where the configs cannot be synthesized, and shows all else", async () => {
    const { world } = await openDesk();
    const cwd = folderWith({ [`config/${fleetName}.yaml`]: world.config });
    const synthesize = () => Promise.reject(new Error("the synth failed"));
    const status = async (...flags: string[]) =>
      (await fleet(["status", ...flags], { cwd, env: world.env, synthesize })).stdout;
    const { unread, cost } = JSON.parse(await status("--json"));
    expect(unread).toEqual([{ part: "the fixed parts of the cost", why: "the synth failed" }]);
    expect(cost).toMatchObject({ fixed: null, fixed_per_month: null, per_hour: null, running_agents: 2 });
    expect(await status()).toMatch(/Queue +0 jobs wait/);
  });

  it("shows all that it can read, and of the rest why not", async () => {
    const { world, run, json } = await openDesk();
    world.denied.add("logs:FilterLogEvents").add("ecs:ListTasks");
    const status = await json<Status>("status");
    expect(status.unread).toContainEqual({
      part: "the loop's log",
      why: "this AWS identity may not do logs:FilterLogEvents",
    });
    expect(status).toMatchObject({ loop_late: false, agents: [], pools: [{ queued: null, agents: null }] });
    expect(status.cost).toMatchObject({ running_agents: null, per_hour: null, fixed_per_month: expect.any(Number) });
    const { stdout } = await run("status");
    expect(stdout).toMatch(/Agents +unknown; min 0, max 10/);
    expect(stdout).toMatch(/Could not be read\n {2}the loop's log: this AWS identity may not do logs:FilterLogEvents/);
  });

  it.each([
    [
      "a fleet that is not deployed",
      (world: DeskWorld) => {
        world.loop = undefined;
      },
      "is not deployed there.",
      "fleet deploy ci-agents",
    ],
    [
      "a session that has expired",
      (world: DeskWorld) => {
        world.http.fail({
          answer: {
            status: 403,
            headers: { "x-amzn-errortype": "ExpiredTokenException" },
            json: { message: "expired" },
          },
        });
      },
      "The AWS credentials have expired: expired",
      "log in again",
    ],
  ] as const)("fails clearly for %s", async (_, make, error, hint) => {
    const { world, run } = await openDesk();
    make(world);
    const { code, stdout, stderr } = await run("status");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(error);
    expect(stderr).toContain(hint);
  });

  it("takes the only fleet of the config without a name, and asks for one where there are several", async () => {
    const { world } = await openDesk();
    const network = "kind: network\nregion: eu-west-1\n";
    const synthesize = (output: string, names: readonly string[]) => synthesizerOf(one)(output, names);
    const one = folderWith({ [`config/${fleetName}.yaml`]: world.config, "config/net.yaml": network });
    expect((await fleet(["status"], { cwd: one, env: world.env, synthesize })).stdout).toContain(
      "ci-agents  ecs-fleet",
    );
    const two = folderWith({ "config/one.yaml": world.config, "config/two.yaml": world.config });
    expect((await fleet(["status"], { cwd: two, env: world.env })).stderr).toContain("Give the name of one: one, two");
    expect((await fleet(["status", "net"], { cwd: one, env: world.env })).stderr).toContain("which has no agents");
  });

  it.each([
    [["--every", "0"], "--every 0 is no number"],
    // Node's timers would fire at once, again and again.
    [["--watch", "--every", "9999999"], "--every 9999999 is no number from 1 to 86400"],
    [["--every", "0x10"], "--every 0x10 is no number"],
    [["--times", "NaN"], "--times NaN is no number"],
    [["--price", "much"], "--price much is no number"],
    [["--price", "1e308"], "--price 1e308 is no number"],
    [["--price", "-1"], "--price -1 is no number"],
  ])("refuses %j, and asks AWS nothing", async (flags, says) => {
    const { run, world } = await openDesk();
    const { code, stdout, stderr } = await run("status", ...flags);
    expect({ code, stdout, asked: world.calls }).toEqual({ code: 1, stdout: "", asked: [] });
    expect(stderr).toContain(says);
  });

  it("does not pass over a fleet whose alarms are all deleted", async () => {
    const { run, world } = await openDesk();
    world.alarms = [];
    expect((await run("status")).stdout).toMatch(/^Alarms {5}THERE ARE NONE/m);
    expect((await run("status", "--watch", "--times", "1")).stdout).toContain("| NO ALARMS EXIST");
  });

  it("has a reason for an AMI whose date is none", async () => {
    const { json, world } = await openDesk("instances");
    world.http.fail({
      when: ({ body }) => body.includes("Action=DescribeImages"),
      answer: {
        status: 200,
        text: "<R><imagesSet><item><imageId>ami-1</imageId><creationDate>soon</creationDate></item></imagesSet></R>",
      },
    });
    const { images } = await json<Status>("status");
    expect(images).toEqual([expect.objectContaining({ age_seconds: null, age_unknown_because: expect.any(String) })]);
  });
});
