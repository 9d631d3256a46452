import validate from "asl-validator";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { retirementSteps } from "../../handlers/lib/core/retirement.ts";
import { pollSeconds, retirementDefinition } from "../../stacks/constructs/retirement/definition.ts";
import type { RetirementPlace } from "../../stacks/constructs/retirement/retiring-capacity.ts";
import { createRetirementWorld } from "../fakes/retirement-world.ts";
import { passTimeUntil } from "../fakes/step-functions.ts";
import { groupArn } from "./retirement.ts";

const hour = 3600;
const places: Record<string, RetirementPlace> = {
  asg: { type: "asg", groups: [{ name: "ci", arn: groupArn }] },
  "two groups": {
    type: "asg",
    groups: [
      { name: "ci", arn: groupArn },
      { name: "ci-on-demand", arn: `${groupArn}-on-demand` },
    ],
  },
  ecs: {
    type: "ecs",
    cluster: "arn:aws-us-gov:ecs:us-gov-west-1:111122223333:cluster/ci",
    taskDefinitions: ["arn:aws-us-gov:ecs:us-gov-west-1:111122223333:task-definition/ci:*"],
  },
};
const definitionOf = (place: RetirementPlace, drainTimeoutSeconds = 6 * hour) =>
  retirementDefinition({
    fleet: "ci",
    partition: "aws-us-gov",
    retireFunction: { arn: "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:ci-retire", timeoutSeconds: 300 },
    runbook: "docs/runbook.md",
    topic: "arn:aws-us-gov:sns:us-gov-west-1:111122223333:ci-alarms",
    place,
    drainTimeoutSeconds,
  });

describe.each(Object.entries(places))("the definition for %s", (_, place) => {
  const definition = definitionOf(place);
  const states = Object.entries(definition.States);
  const tasks = states.filter(([, { Type }]) => Type === "Task").map(([, task]) => task);

  it("is valid", () => {
    const { isValid, errorsText } = validate(definition, { checkPaths: true, checkArn: true });
    expect(errorsText()).toBe("");
    expect(isValid).toBe(true);
  });

  it("names states that exist, and each is reached", () => {
    const next = JSON.stringify(definition).matchAll(/"(?:Next|Default|StartAt)":"([^"]+)"/g);
    expect(new Set([...next].map(([, name]) => name))).toEqual(new Set(Object.keys(definition.States)));
  });

  it("leaves no error of any call unanswered, and no call without a time limit", () => {
    for (const task of tasks) {
      expect(task).toMatchObject({
        TimeoutSeconds: expect.any(Number),
        Retry: expect.arrayContaining([expect.objectContaining({ ErrorEquals: ["States.ALL"] })]),
        Catch: expect.arrayContaining([expect.objectContaining({ ErrorEquals: ["States.ALL"] })]),
      });
    }
  });

  it("waits for the Lambda longer than that may run", () => {
    const asked = tasks.filter(({ Resource }) => String(Resource).includes(":lambda:"));
    expect(asked.length).toBeGreaterThan(0);
    for (const { TimeoutSeconds } of asked) expect(TimeoutSeconds).toBeGreaterThan(300);
  });

  it("asks the Lambda for steps that it knows, and AWS in the stack's own partition", () => {
    const steps = tasks.flatMap(({ Parameters }) => (Parameters as { step?: string }).step ?? []);
    const known: readonly string[] = retirementSteps;
    // A task that ECS does not know needs no step of its own.
    expect(new Set(steps)).toEqual(new Set(known.filter((step) => place.type === "asg" || step !== "forget")));
    expect(tasks.filter(({ Resource }) => !String(Resource).startsWith("arn:aws-us-gov:"))).toEqual([]);
  });

  it("Spacelift defects 5, 6: never sets a capacity, and never detaches", () => {
    const apis = tasks.map(({ Resource }) => String(Resource).split(":").at(-1));
    expect(apis.filter((api) => /capacity|detach|updateAuto/i.test(api ?? ""))).toEqual([]);
  });
});

it("a hook is completed so that other hooks of the group have their turn too", () => {
  const completing = Object.values(
    definitionOf({ type: "asg", groups: [{ name: "ci", arn: groupArn }] }).States,
  ).filter(({ Resource }) => String(Resource).endsWith(":completeLifecycleAction"));
  expect(completing).toHaveLength(2);
  for (const { Parameters } of completing) expect(Parameters).toMatchObject({ LifecycleActionResult: "CONTINUE" });
});

describe("time", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    60,
    6 * hour,
    48 * hour,
  ])("with a drain timeout of %d s a hook is heartbeaten far more often than it must", (s) => {
    expect(pollSeconds(s)).toBeGreaterThanOrEqual(60);
    expect(pollSeconds(s)).toBeLessThanOrEqual(600);
  });

  it.each([
    ["an agent that works", undefined],
    ["a vendor that is down", "vendor"],
    ["Auto Scaling that is down", "autoscaling"],
    ["EC2 that is down", "ec2"],
    ["everything that is down", "all"],
  ] as const)("48 hours of waiting for %s stay within the 25,000 events of an execution", async (_, broken) => {
    const world = createRetirementWorld({ place: "asg", drainTimeoutSeconds: 48 * hour });
    const agent = world.addAgent("i-0123456789abcdef0");
    world.giveJob(agent, 100 * hour);
    const down = broken === "all" ? (["vendor", "autoscaling", "ec2", "sns"] as const) : broken ? [broken] : [];
    for (const service of down) world.breakFor(service, 100 * hour);
    // Without heartbeats AWS ends an instance that its hook holds.
    if (broken === "autoscaling") void world.retire(agent, "outdated");
    else world.terminate(agent);
    const [execution] = await passTimeUntil(world.settled());
    if (!execution) throw new Error("no execution");
    expect(execution.status).toBe("FAILED");
    expect(execution.events).toBeGreaterThan(5_000);
    expect(execution.events).toBeLessThan(25_000);
  });
});
