import { describe, expect, it } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { closeDesks, openDesk } from "./world.ts";

const loopLog = `/aws/lambda/${fleetName}-autoscale`;
const agentLog = `/agent-fleets/${fleetName}/agents`;

closeDesks();

describe("fleet logs", () => {
  it("shows the loop's decisions and troubles, and leaves out what only machines read", async () => {
    const { world, run } = await openDesk();
    world.log(loopLog, world.secondsAgo(50), "START RequestId: 1 Version: $LATEST");
    world.log(loopLog, world.secondsAgo(45), { level: "INFO", message: "withdrew orders", wanted: 2, done: 1 });
    const error = {
      name: "AggregateError",
      message: "2 pools failed",
      errors: [{ name: "TypeError", message: "a bug" }],
    };
    world.log(loopLog, world.secondsAgo(40), { level: "ERROR", message: "the invocation failed", error });
    const detail = "no more vCPUs";
    world.log(loopLog, world.secondsAgo(30), { level: "WARN", message: "launch failed", kind: "quota", detail });
    world.log(loopLog, world.secondsAgo(20), "a line of somebody else");
    const { code, stdout } = await run("logs");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "12-31 23:58:55  hold  ci-agents: wanted 1, have 2: idle agents leave by themselves  [queued 0, running 1, wanted 1, supply 2]",
        "12-31 23:59:15  info  withdrew orders  wanted=2 done=1",
        "12-31 23:59:20  ERROR  the invocation failed",
        "                | AggregateError: 2 pools failed",
        "                | TypeError: a bug",
        "12-31 23:59:30  WARN  launch failed: quota: no more vCPUs",
        "12-31 23:59:40  a line of somebody else",
        "12-31 23:59:55  hold  ci-agents: wanted 1, have 2: idle agents leave by themselves  [queued 0, running 1, wanted 1, supply 2]",
        "",
      ].join("\n"),
    );
  });

  it("reads all pages, although the first is empty, and no further back than asked for", async () => {
    const { world, run } = await openDesk();
    world.lines = [];
    for (let n = 0; n < 100; n += 1) world.log(loopLog, world.secondsAgo(3000 - n), `line ${n}`);
    expect((await run("logs", "--since", "1h")).stdout.trim().split("\n")).toHaveLength(100);
    const short = await run("logs", "--since", "10m");
    expect(short).toMatchObject({ code: 0, stdout: "" });
    expect(short.stderr).toContain("No lines since 2025-12-31T23:50:00.000Z. --since 1d looks further back.");
  });

  it("gives programs one JSON object a line, with everything in it", async () => {
    const { run } = await openDesk();
    const { stdout } = await run("logs", "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatchObject({
      time: "2025-12-31T23:58:55.000Z",
      log_group: loopLog,
      message: { message: "decision" },
    });
    expect(lines[1]).toMatchObject({ message: { Fleet: fleetName } });
  });

  it.each([[[]], [["--json"]]])("prints nothing that a terminal obeys, whatever a job wrote: %j", async (flags) => {
    const { world, run } = await openDesk();
    const hostile = "ok\u001b[2J\u009b1m\u202e\nfleet: all is well";
    world.log(agentLog, world.secondsAgo(9), hostile, "agent/agent/1");
    const { stdout } = await run("logs", "--agent", `${fleetName}_a`, ...flags);
    expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(stdout).not.toMatch(/^fleet: all is well/m);
    if (flags.length > 0) expect(JSON.parse(stdout)).toMatchObject({ message: hostile });
    else expect(stdout).toContain("\\u001b[2J");
  });

  it("finds the log of an agent by its name or its task's id, also after its end, and shows no other's", async () => {
    const { world, run } = await openDesk();
    const stopped = { lastStatus: "STOPPED", desiredStatus: "STOPPED", stoppedAt: world.secondsAgo(60) };
    world.addTask(`${fleetName}_gone`, stopped);
    world.log(agentLog, world.secondsAgo(90), "of another", "agent/agent/1");
    world.log(agentLog, world.secondsAgo(80), "my last words", "agent/agent/3");
    for (const name of [`${fleetName}_gone`, "3"]) {
      expect((await run("logs", "--agent", name)).stdout).toBe("12-31 23:58:40  3  my last words\n");
    }
    const unknown = await run("logs", "--agent", "nobody");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain('ECS shows no task of the agent "nobody"');
    expect((await run("logs", "--agent", `${fleetName}_b`)).stderr).toContain("has not written anything yet");
  });

  it("finds the log of an agent in whichever pool it is", async () => {
    const { world, run } = await openDesk("pools");
    world.log(agentLog, world.secondsAgo(80), "in the large pool", "large/agent/2");
    expect((await run("logs", "--agent", "ci-agents.large_a")).stdout).toContain("in the large pool");
  });

  it("shows an instance's boot and the agent's own log in the order of time, and not the webhook's", async () => {
    const { world, run } = await openDesk("instances");
    world.log(`/agent-fleets/${fleetName}/boot`, world.secondsAgo(60), "boot: begins", "i-00000001");
    world.log(`/agent-fleets/${fleetName}/launcher`, world.secondsAgo(50), "connected", "i-00000001");
    world.log(`/agent-fleets/${fleetName}/boot`, world.secondsAgo(40), "boot: done", "i-00000001");
    world.log(`/agent-fleets/${fleetName}/boot`, world.secondsAgo(30), "of another", "i-00000002");
    const { stdout } = await run("logs", "--agent", "i-00000001");
    expect(stdout.match(/boot: begins|connected|boot: done|of another/g)).toEqual([
      "boot: begins",
      "connected",
      "boot: done",
    ]);
    expect((await run("logs", "--boot")).stdout).toContain("of another");
    expect((await run("logs", "--agent", "jane")).stderr).toContain("is no id of an instance");
  });

  it("shows the steps of retirements, and says of a fleet without them that it has none", async () => {
    const instances = await openDesk("instances");
    const step = { level: "INFO", message: "retirement step", step: "drain", agent: "i-00000001", state: "busy" };
    instances.world.log(`/aws/lambda/${fleetName}-retire`, instances.world.secondsAgo(60), step);
    expect((await instances.run("logs", "--retirements")).stdout).toContain(
      "retirement step  step=drain agent=i-00000001",
    );
    const tasks = await openDesk();
    tasks.world.groups.delete(`/aws/lambda/${fleetName}-retire`);
    const { code, stderr } = await tasks.run("logs", "--retirements");
    expect(code).toBe(1);
    expect(stderr).toContain("This fleet has no retirement workflow");
    expect((await tasks.run("logs", "--boot")).stderr).toContain("tasks have no log of their boot");
  });

  it("follows: loses no line that arrives late, and shows none twice", async () => {
    const { world, run } = await openDesk();
    world.lines = [];
    world.log(loopLog, world.secondsAgo(10), "first");
    let asked = 0;
    world.http.onRequest = ({ headers }) => {
      if (!String(headers["x-amz-target"]).endsWith("FilterLogEvents")) return;
      asked += 1;
      if (asked === 3) world.log(loopLog, world.secondsAgo(5), "second");
      // Older than the newest line by its time, but it arrives after it.
      if (asked === 5) world.log(loopLog, world.secondsAgo(100), "late", "another stream");
      // Nothing else ends a follower.
      if (asked === 12) world.denied.add("logs:FilterLogEvents");
    };
    const { code, stdout, stderr } = await run("logs", "--follow");
    expect(stdout.match(/first|second|late/g)).toEqual(["first", "second", "late"]);
    expect(code).toBe(1);
    expect(stderr).toContain("logs:FilterLogEvents");
  });

  it.each([
    [["--since", "soon"], "--since soon is no length of time"],
    [["--since", "99999999d"], "--since 99999999d is no length of time"],
    [["--loop", "--boot"], "cannot be used with option"],
  ])("refuses %j", async (flags, says) => {
    const { run } = await openDesk();
    const { code, stderr } = await run("logs", ...flags);
    expect(code).toBe(1);
    expect(stderr).toContain(says);
  });

  it("finds an agent of a pool whose row can be used, and says of another that a row cannot", async () => {
    const { world, run } = await openDesk("pools");
    world.settings.items.delete("pool large");
    world.log(`/agent-fleets/${fleetName}/agents`, world.secondsAgo(60), "hello", "linux/agent/1");
    expect((await run("logs", "--agent", "ci-agents.linux_a")).stdout).toContain("hello");
    const { code, stderr } = await run("logs", "--agent", "ci-agents.large_a");
    expect(code).toBe(1);
    expect(stderr).toContain("the settings of ci-agents.large cannot be read: there is no row with its settings");
  });

  it("names the right that it lacks to look up an agent", async () => {
    const { world, run } = await openDesk();
    world.denied.add("dynamodb:Query");
    expect((await run("logs", "--agent", "ci-agents_a")).stderr).toContain("may not do dynamodb:Query");
  });

  it("says what a fleet lacks that is not deployed", async () => {
    const { world, run } = await openDesk();
    world.groups.delete(loopLog);
    expect((await run("logs")).stderr).toContain("The loop has never run, or the fleet is not deployed there.");
  });
});
