import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDrainWorld, type DrainWorld } from "../drain-world.ts";

const workflow = "arn:aws:states:eu-west-1:000000000000:stateMachine:ci-agents-retire";
const execution = "arn:aws:states:eu-west-1:000000000000:execution:ci-agents-retire:1";

let world: DrainWorld;
let retires: boolean;
let started: { name: string; input: string }[];
let running: string[];
let status: string;
/** States of the execution, newest first. */
let states: string[];

const stopRetiring = () => {
  retires = false;
};
const retire = (...args: string[]) => world.run("retire", "ci-agents", ...args);

/** Lambda's and Step Functions' part, as far as the command asks for it. */
beforeEach(async () => {
  world = await createDrainWorld("group");
  world.putPool({ min: 1 });
  Object.assign(world.group, { desired: 1, instances: new Map([["i-a", "InService"]]) });
  [retires, started, running, status, states] = [true, [], [], "RUNNING", []];
  world.extra.push(({ path, headers, body }) => {
    if (path.endsWith("/functions/ci-agents-autoscale/configuration")) {
      const RETIREMENTS = JSON.stringify({ workflow, drainTimeoutSeconds: 3600 });
      return { status: 200, json: { Environment: { Variables: retires ? { RETIREMENTS } : {} } } };
    }
    const [service, operation] = String(headers["x-amz-target"] ?? "").split(".");
    if (service !== "AWSStepFunctions") return undefined;
    const asked = JSON.parse(body.toString());
    if (operation === "StartExecution") {
      if (started.some(({ name }) => name === asked.name)) {
        return { status: 400, json: { __type: "ExecutionAlreadyExists", message: "exists" } };
      }
      started.push(asked);
      return { status: 200, json: { executionArn: execution, startDate: 1 } };
    }
    if (operation === "ListExecutions") {
      return { status: 200, json: { executions: running.map((name) => ({ name, executionArn: execution })) } };
    }
    if (operation === "DescribeExecution") return { status: 200, json: { executionArn: execution, status } };
    const events = states.map((name, id) => ({
      id,
      type: "ChoiceStateEntered",
      timestamp: 1,
      stateEnteredEventDetails: { name },
    }));
    return { status: 200, json: { events } };
  });
});
afterEach(() => world.close());

describe("fleet retire", () => {
  it("starts the workflow as the loop does, says when the agent is busy, and waits until its machine is gone", async () => {
    world.steps.push(
      () => {
        states = ["Wait", "In time", "Busy", "Drain"];
      },
      () => {
        states = ["Terminate", "Deregister", "Busy"];
      },
      () => {
        status = "SUCCEEDED";
        world.group.instances.set("i-a", "Terminating");
      },
    );
    const { code, stdout, stderr } = await retire("i-a", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      stack: "ci-agents",
      agent: "i-a",
      machine: "i-a",
      pool: null,
      execution,
      ended: "gone",
    });
    expect(started.map(({ name }) => name)).toEqual([expect.stringMatching(/^i-a\.drained\.\d+$/)]);
    expect(JSON.parse(started[0]?.input ?? "")).toEqual({
      agent: { name: "i-a", capacityId: "i-a" },
      reason: "drained",
      deadline: "2026-01-01T01:00:00.000Z",
    });
    const lines = ["locks the agent", "it has a job, and takes no other", "it has no job", "the retirement is over"];
    expect(stderr).toMatch(new RegExp(lines.join("[^]*")));
    const actions = world.aws.requests.map(({ body }) => new URLSearchParams(body.toString()).get("Action"));
    expect(actions).not.toContain("TerminateInstanceInAutoScalingGroup");
  });

  it("waits for the retirement that runs already, and starts no second", async () => {
    running = ["i-a.scale-in.12345"];
    status = "SUCCEEDED";
    world.steps.push(() => void world.group.instances.clear());
    const { code, stderr } = await retire("i-a");
    expect([code, started]).toEqual([0, []]);
    expect(stderr).toContain("i-a is being retired already");
  });

  it("says that an agent stays which was found busy", async () => {
    running = ["i-a.scale-in.12345"];
    status = "SUCCEEDED";
    const { code, stdout, stderr } = await retire("i-a", "--json");
    expect([code, JSON.parse(stdout).ended]).toEqual([1, "stays"]);
    expect(stderr).toContain("AWS still shows its machine");
  });

  it("fails with the workflow, which kills nothing", async () => {
    status = "FAILED";
    expect(await retire("i-a")).toMatchObject({ code: 1, stderr: expect.stringContaining("Nothing was killed") });
  });

  it("ends its waiting after a while, or by Ctrl-C, and the retirement goes on", async () => {
    expect((await retire("i-a", "--timeout", "1m")).stderr).toContain("still there after 1m.\nThe retirement goes on");
    running = ["i-a.drained.1"];
    world.steps.push(() => void process.emit("SIGINT"));
    expect((await retire("i-a")).stderr).toContain("Interrupted.\nThe retirement goes on");
  });

  it("only starts it with --no-wait, and not twice within ten minutes", async () => {
    const { code, stdout } = await retire("i-a", "--no-wait", "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ended: null, execution }]);
    expect(await retire("i-a")).toMatchObject({ code: 1, stderr: expect.stringContaining("has just ended") });
  });

  it.each<[what: string, set: () => void, args: string[], message: string]>([
    ["a name that is no agent's", () => {}, ["i-b"], 'has no agent "i-b". Did you mean i-a?'],
    ["a name that a terminal would obey", () => {}, ["\u001b[2J"], "has no agent"],
    ["an instance on standby", () => world.group.instances.set("i-a", "Standby"), ["i-a"], "has no agent"],
    ["one that ends already", () => world.group.instances.set("i-a", "Terminating"), ["i-a"], "it ends already"],
    ["one that a hook holds", () => world.group.instances.set("i-a", "Terminating:Wait"), ["i-a"], "holds it"],
    ["an agent that leaves by itself", stopRetiring, ["i-a"], "leave by themselves"],
    ["no time", () => {}, ["i-a", "--timeout", "soon"], "no length of time"],
  ])("refuses %s, and starts nothing", async (_, set, args, message) => {
    set();
    const { code, stderr } = await retire(...args);
    expect([code, started]).toEqual([1, []]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("\u001b");
  });

  it("says how it is called", async () => {
    expect((await world.run("retire", "--help")).stdout).toContain("fleet retire ci-agents i-0123456789abcdef0");
  });
});
