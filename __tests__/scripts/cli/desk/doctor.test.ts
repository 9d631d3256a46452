import { describe, expect, it } from "vitest";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";
import { agentA, busy, diagnosed, failedToStart, loopLog, stopTask } from "./diagnosed.ts";
import { closeDesks, openDesk } from "./world.ts";

closeDesks();

describe("fleet doctor", () => {
  it.each(["tasks", "pools", "instances"] as const)("finds nothing in a healthy fleet of %s", async (kind) => {
    const { run } = await openDesk(kind);
    const { code, stdout } = await run("doctor");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "ci-agents: nothing is wrong, as far as AWS and the loop's own papers show.\n",
    });
  });

  it("forgets a failed pass that a good one followed, and failed launches of long ago while no job waits", async () => {
    const { findings } = await diagnosed("tasks", (world) => {
      world.lines.length = 0;
      world.log(loopLog, world.secondsAgo(120), { level: "ERROR", message: "the invocation failed" });
      for (const secondsAgo of [65, 5]) world.decide({ secondsAgo, states: busy, running: 1 });
      stopTask(world, 1800, failedToStart("RESOURCE:CPU"));
    });
    expect(findings).toEqual([]);
  });

  it.each([
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionConcurrency",
    "events:DescribeRule",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "logs:FilterLogEvents",
    "ecs:ListTasks",
    "cloudwatch:DescribeAlarms",
    "sns:ListSubscriptionsByTopic",
    "ecs:DescribeTaskDefinition",
    "ecr:DescribeImages",
  ])("says that it could not look where AWS refuses %s, and names the right", async (action) => {
    const { code, findings } = await diagnosed("tasks", (world) => world.denied.add(action));
    const gaps = findings.filter(({ id }) => id === "could-not-look");
    expect(code).toBe(3);
    expect(gaps.length).toBeGreaterThan(0);
    expect(findings.filter(({ id }) => id !== "could-not-look")).toEqual([]);
    for (const { severity, evidence, todo } of gaps) {
      expect(severity).toBe("unknown");
      expect(evidence.join()).toContain(`this AWS identity may not do ${action}`);
      expect(todo).toMatch(/^Grant the right, or use another identity/);
    }
  });

  it.each([
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeInstances",
    "states:ListExecutions",
  ])("says the same of instances where AWS refuses %s", async (action) => {
    const { code, findings } = await diagnosed("instances", (world) => world.denied.add(action));
    expect(code).toBe(3);
    expect(findings.map(({ evidence }) => evidence.join()).join("\n")).toContain(`may not do ${action}`);
  });

  it("says that it could not look at a secret, or at the log of an agent", async () => {
    const { findings, code } = await diagnosed("tasks", (world) => {
      world.denied.add("logs:GetLogEvents");
      world.decide({ states: { unseen: [agentA] } });
    });
    expect(code).toBe(1);
    expect(findings[0]?.evidence.join("\n")).toMatch(
      /could not be read: this AWS identity may not do logs:GetLogEvents/,
    );
  });

  it("says once that something else answers in AWS's place, and nothing of the fleet", async () => {
    const { world, run } = await openDesk();
    const html = { "content-type": "text/html" };
    world.http.fail({ answer: { status: 407, headers: html, text: "<html>Proxy Authentication Required</html>" } });
    const { code, stdout, stderr } = await run("doctor", "--json");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toEqual({
      error: "The answer that came is none of AWS's",
      hint: expect.stringContaining("check the proxy"),
    });
  });

  it.each([
    ["a page of HTML", { text: "<html>Log in</html>" }, "it is not JSON"],
    ["another form", { json: { Rules: [] } }, "look at State in it"],
  ])("takes no answer of EventBridge in %s for a schedule", async (_, answer, says) => {
    const { findings } = await diagnosed("tasks", ({ http }) =>
      http.fail({
        when: ({ headers }) => String(headers["x-amz-target"]).startsWith("AWSEvents"),
        answer: { status: 200, ...answer },
      }),
    );
    expect(findings.map(({ id, evidence }) => [id, ...evidence])).toEqual([
      ["could-not-look", `the answer cannot be understood: ${says}`],
    ]);
  });

  it("takes no page of HTML for a topic without receivers", async () => {
    const { findings } = await diagnosed("tasks", ({ http }) =>
      http.fail({
        when: ({ body }) => body.includes("ListSubscriptionsByTopic"),
        answer: { status: 200, text: "<html>Log in</html>" },
      }),
    );
    expect(findings.map(({ id, evidence }) => [id, ...evidence])).toEqual([
      ["could-not-look", "the answer that came is none of AWS's"],
    ]);
  });

  it.each([407, 502])("has a reason where an answer with status %s has none", async (status) => {
    const { findings } = await diagnosed("tasks", ({ http }) =>
      http.fail({
        when: ({ headers }) => String(headers["x-amz-target"]).startsWith("AWSEvents"),
        answer: { status, text: "" },
      }),
    );
    for (const { evidence } of findings) expect(evidence.join()).toMatch(/none of AWS's|AWS itself failed/);
    expect(findings).toHaveLength(1);
  });

  it("shows the worst first, in words, and prints nothing that a terminal obeys", async () => {
    const { world, run } = await openDesk();
    world.subscriptions[0] = { protocol: "email", endpoint: "ops@example.com", arn: "PendingConfirmation" };
    stopTask(world, 60, failedToStart("RESOURCE:CPU \u001b[2J\u202e"));
    world.rule = undefined;
    const { stdout } = await run("doctor");
    expect(stdout).toMatch(
      /^ci-agents: 1 error, 2 warnings\n\nERROR {4}The schedule .*\(schedule-missing\)\n {2}seen {3}/,
    );
    expect(stdout).toContain("docs/runbook.md#loop-silent");
    expect(stdout).toContain("\\u001b[2J\\u202e");
    expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it.each([
    [
      "ecs-cluster",
      "",
      /dashboard_url of fleet outputs apps shows the cluster's hosts, tasks that wait for room, and alarms/,
    ],
    ["network", "", /fleet check apps, cost and outputs work for it/],
    ["machine-image", "baseImage: { id: ami-0123456789abcdef0 }\n", /fleet image build apps/],
  ])("says of a stack of kind %s where an operator looks", async (kind, more, says) => {
    const { world } = await openDesk();
    const cwd = folderWith({ "config/apps.yaml": `kind: ${kind}\nregion: eu-west-1\n${more}` });
    for (const command of ["status", "doctor"]) {
      const { code, stderr } = await fleet([command, "apps"], { cwd, env: world.env });
      expect(code).toBe(1);
      expect(stderr).toMatch(says);
    }
  });

  it("documents its exit codes and shows examples", async () => {
    const { run } = await openDesk();
    const { stdout } = await run("doctor", "--help");
    expect(stdout).toContain("fleet --json doctor ci-agents");
    expect(stdout).toMatch(/0 {2}no errors.*\n.*1 {2}at least one error.*\n.*3 {2}no errors, but/);
  });
});
