import { describe, expect, it } from "vitest";
import { fleetName, type WorldKind } from "../../../fakes/desk-fleets.ts";
import type { DeskWorld } from "../../../fakes/desk-world.ts";
import { closeDesks, openDesk } from "./world.ts";

interface Findings {
  readonly healthy: boolean;
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly what: string;
    readonly evidence: readonly string[];
    readonly todo: string;
    readonly runbook: string | null;
  }[];
}

const loopLog = `/aws/lambda/${fleetName}-autoscale`;
const agentA = `${fleetName}_a`;

closeDesks();

/** Makes a failure, and returns what doctor says. */
async function diagnosed(kind: WorldKind, make: (world: DeskWorld) => void) {
  const { world, run } = await openDesk(kind);
  make(world);
  const { code, stdout, stderr } = await run("doctor", "--json");
  if (stdout === "") throw new Error(stderr);
  return { code, stdout, ...(JSON.parse(stdout) as Findings) };
}

/** The line of the loop's log after a failed pass. */
function failPass(world: DeskWorld, error: object, message = "the invocation failed"): void {
  world.log(loopLog, world.secondsAgo(2), { level: "ERROR", message, timestamp: "", service: fleetName, error });
}

const vendorError = (kind: string, message: string) => ({ name: "VendorApiError", kind, message });
const busy = { busy: [agentA] };

/** A stopped task with AWS's reason. */
function stopTask(world: DeskWorld, secondsAgo: number, changes: object): void {
  world.addTask(`${fleetName}_${secondsAgo}`, {
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    createdAt: world.secondsAgo(secondsAgo + 60),
    stoppedAt: world.secondsAgo(secondsAgo),
    tags: [],
    ...changes,
  });
}

const failedToStart = (stoppedReason: string) => ({ stopCode: "TaskFailedToStart" as const, stoppedReason });

const input = (world: DeskWorld, deadlineIn: number) => ({
  agent: { name: "i-00000002", capacityId: "i-00000002" },
  reason: "scale-in",
  deadline: world.secondsAgo(-deadlineIn).toISOString(),
});

const entered = (name: string) => ({ type: "TaskStateEntered", stateEnteredEventDetails: { name } });
const exited = (output: object) => ({
  type: "TaskStateExited",
  stateExitedEventDetails: { name: "Drain", output: JSON.stringify(output) },
});

interface Case {
  readonly what: string;
  readonly kind?: WorldKind;
  readonly make: (world: DeskWorld) => void;
  readonly id: string;
  readonly severity?: "error" | "warning";
  /** In the evidence or the advice. */
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  {
    what: "no schedule",
    make: (world) => {
      world.rule = undefined;
    },
    id: "schedule-missing",
    says: /no rule ci-agents-every-minute/,
  },
  {
    what: "a schedule that somebody disabled",
    make: (world) => {
      world.rule = { State: "DISABLED", targets: world.rule?.targets ?? [] };
    },
    id: "schedule-disabled",
    says: /aws events enable-rule --name ci-agents-every-minute/,
  },
  {
    what: "a schedule without its target",
    make: (world) => {
      world.rule = { State: "ENABLED", targets: ["arn:aws:lambda:eu-west-1:123456789012:function:other"] };
    },
    id: "schedule-without-loop",
    says: /has no target/,
  },
  {
    what: "a loop that may not run at all",
    make: (world) => {
      world.concurrency = 0;
    },
    id: "loop-without-concurrency",
    says: /ReservedConcurrentExecutions 0/,
  },
  {
    what: "a function that Lambda cannot run",
    make: (world) => {
      world.loop = { ...world.loop, State: "Failed", StateReason: "the subnet is gone" };
    },
    id: "loop-broken",
    says: /the subnet is gone/,
  },
  {
    what: "a loop that is silent",
    make: (world) => world.lines.splice(0),
    id: "loop-silent",
    says: /no decision in the log of a day/,
  },
  {
    what: "a loop that decided last ten minutes ago",
    make: (world) => {
      world.lines = [];
      world.decide({ secondsAgo: 600, states: busy, running: 1 });
    },
    id: "loop-silent",
    says: /10 min old/,
  },
  {
    what: "a pass that fails",
    make: (world) => failPass(world, { name: "TypeError", message: "a bug" }),
    id: "loop-failing",
    says: /TypeError: a bug/,
  },
  {
    what: "a function that Lambda cut off",
    make: (world) => world.log(loopLog, world.secondsAgo(1), "2026-01-01 abc Task timed out after 300.00 seconds"),
    id: "loop-failing",
    says: /Task timed out after 300.00 seconds/,
  },
  {
    what: "a token that has expired",
    make: (world) => failPass(world, vendorError("unauthorized", "GET /agent-pools: HTTP 401")),
    id: "token-refused",
    says: /fleet secret set ci-agents/,
  },
  {
    what: "a wrong pool id, although other errors came first",
    make: (world) =>
      failPass(world, {
        name: "AggregateError",
        message: "2 pools failed",
        errors: [vendorError("misconfigured", "pool 2 is named Other, and agents register in Linux")],
      }),
    id: "wrong-pool",
    says: /pool 2 is named Other/,
  },
  {
    what: "a pool that the token may not see",
    make: (world) => failPass(world, vendorError("not-found", "the agent pool aws does not exist, or …")),
    id: "wrong-pool",
    says: /Correct vendor/,
  },
  {
    what: "a secret that the loop cannot read",
    make: (world) => failPass(world, { name: "SecretUnavailableError", message: "The secret x has no value yet" }),
    id: "secret-unreadable",
    says: /fleet secret list ci-agents/,
  },
  {
    what: "a vendor that does not answer",
    make: (world) => failPass(world, vendorError("timeout", "GET /runs: no answer")),
    id: "vendor-unreachable",
    says: /no answer/,
  },
  {
    what: "a launch that AWS refuses for a setting",
    make: (world) => failPass(world, { name: "Error", message: "agents cannot launch: the subnet does not exist" }),
    id: "launch-refused",
    says: /the subnet does not exist/,
  },
  {
    what: "a lease that a dead pass holds",
    make: (world) => {
      const until = world.secondsAgo(-5).getTime();
      world.items.set("lease", { owner: { S: "pass-1" }, until: { N: String(until) } });
    },
    id: "lease-of-a-dead-pass",
    severity: "warning",
    says: /pass-1 was last renewed 85 s ago; it ends in 5 s/,
  },
  {
    what: "a fleet that is switched off while jobs wait",
    make: (world) => {
      world.policy = { enabled: false };
      world.decide({ queued: 2, states: busy });
    },
    id: "scaling-off",
    says: /scaling.enabled is false/,
  },
  {
    what: "a secret without a value",
    make: (world) => world.secrets.set(`agent-fleets/${fleetName}/agent-token`, ""),
    id: "secret-empty",
    says: /fleet secret set ci-agents agent-token/,
  },
  {
    what: "a quota",
    make: (world) => {
      world.decide({ queued: 2, states: busy });
      const detail = "You've reached the limit on the number of vCPUs you can run concurrently";
      world.log(loopLog, world.secondsAgo(4), {
        level: "WARN",
        message: "launch failed",
        kind: "quota",
        detail,
        count: 2,
      });
    },
    id: "quota",
    says: /limit on the number of vCPUs/,
  },
  {
    what: "no capacity, with AWS's own reason from a stopped task",
    make: (world) =>
      stopTask(world, 120, failedToStart("Capacity is unavailable at this time. Please try again later")),
    id: "no-capacity",
    severity: "warning",
    says: /Capacity is unavailable at this time/,
  },
  {
    what: "no capacity, with AWS's own reason from a scaling activity",
    kind: "instances",
    make: (world) => {
      world.decide({ queued: 1, states: { busy: ["i-00000001", "i-00000002"] } });
      world.group.log({
        StatusCode: "Failed",
        StatusMessage: "We currently do not have sufficient m7i.large capacity in the Availability Zone you requested",
        StartTime: world.secondsAgo(200),
        EndTime: world.secondsAgo(199),
      });
    },
    id: "no-capacity",
    says: /sufficient m7i.large capacity/,
  },
  {
    what: "a subnet that is full",
    make: (world) => stopTask(world, 60, failedToStart("subnet-0a has insufficient free addresses")),
    id: "subnet-full",
    severity: "warning",
    says: /subnet-0a has insufficient free addresses/,
  },
  {
    what: "a limit of image pulls",
    make: (world) =>
      stopTask(
        world,
        60,
        failedToStart("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit"),
      ),
    id: "pull-limit",
    severity: "warning",
    says: /container-images.md#docker-hub/,
  },
  {
    what: "an image that a task cannot find",
    make: (world) => stopTask(world, 60, failedToStart("CannotPullContainerError: image x:y: not found")),
    id: "image-missing",
    severity: "warning",
    says: /image x:y: not found/,
  },
  {
    what: "an image that was never built",
    make: (world) => {
      world.imagePushedAt = undefined;
    },
    id: "image-missing",
    says: /fleet image build ci-agents/,
  },
  {
    what: "a secret that a task cannot get",
    make: (world) =>
      stopTask(
        world,
        60,
        failedToStart(
          "ResourceInitializationError: can't find the specified secret value for staging label: AWSCURRENT",
        ),
      ),
    id: "secret-empty-at-launch",
    severity: "warning",
    says: /fleet secret list ci-agents/,
  },
  {
    what: "hosts that are full",
    make: (world) => {
      world.decide({ queued: 3, states: busy });
      stopTask(world, 60, failedToStart("RESOURCE:MEMORY"));
    },
    id: "hosts-full",
    says: /RESOURCE:MEMORY/,
  },
  {
    what: "agents that never register, with the tail of their log",
    make: (world) => {
      stopTask(world, 60, {
        stopCode: "EssentialContainerExited",
        containers: [{ exitCode: 86 }],
        startedAt: world.secondsAgo(400),
      });
      const [id] = [...world.ecs.tasks.keys()].at(-1)?.split("/").slice(-1) ?? [];
      world.log(
        `/agent-fleets/${fleetName}/agents`,
        world.secondsAgo(70),
        "[ERROR] agent pool: unauthorized",
        `agent/agent/${id}`,
      );
    },
    id: "never-registered",
    severity: "warning",
    says: /\[ERROR\] agent pool: unauthorized/,
  },
  {
    what: "agents that run and are not seen, with the tail of their log",
    make: (world) => {
      world.decide({ states: { unseen: [agentA] } });
      world.remember({ missingSince: { [agentA]: world.secondsAgo(900).getTime() } });
      world.log(`/agent-fleets/${fleetName}/agents`, world.secondsAgo(30), "registered in pool other", "agent/agent/1");
    },
    id: "agents-unseen",
    says: /missing from the vendor's list since 23:45:00.*[\s\S]*registered in pool other/,
  },
  {
    what: "instances that are not seen, with the tail of their boot log",
    kind: "instances",
    make: (world) => {
      world.decide({ states: { unseen: ["i-00000001"] } });
      world.log(`/agent-fleets/${fleetName}/boot`, world.secondsAgo(30), "FAILED: launcher", "i-00000001");
    },
    id: "agents-unseen",
    says: /FAILED: launcher/,
  },
  {
    what: "an open circuit",
    make: (world) => world.remember({ circuit: { openSince: world.secondsAgo(300).getTime() } }),
    id: "circuit-open",
    says: /open since 2025-12-31T23:55:00/,
  },
  {
    what: "a suspended process that nobody configured",
    kind: "instances",
    make: (world) => {
      world.group.group.suspended.Launch = "User suspended at 2026";
    },
    id: "process-suspended",
    says: /resume-processes --auto-scaling-group-name ci-agents --scaling-processes Launch/,
  },
  {
    what: "foreign agents",
    make: (world) => {
      world.lines = [];
      for (const secondsAgo of [65, 5]) world.decide({ secondsAgo, states: busy, running: 1, foreign: 2 });
    },
    id: "foreign-agents",
    severity: "warning",
    says: /2 or more in each of the last 2 looks/,
  },
  {
    what: "a task that somebody started by hand",
    make: (world) => world.addTask("by-hand", { startedBy: "jane" }),
    id: "machines-of-others",
    severity: "warning",
    says: /arn:aws:ecs:.*task\/ci\/3/,
  },
  {
    what: "an instance on standby",
    kind: "instances",
    make: (world) => world.group.add({ lifecycle: "Standby" }),
    id: "machines-of-others",
    severity: "warning",
    says: /i-00000003/,
  },
  {
    what: "a fleet at its ceiling",
    make: (world) => world.decide({ queued: 20, running: 1, states: busy }),
    id: "at-ceiling",
    severity: "warning",
    says: /20 queued/,
  },
  {
    what: "a fleet that is full of agents that leave or are not seen",
    make: (world) => {
      world.policy = { max: 1 };
      world.decide({ queued: 2, states: { retiring: [agentA] } });
    },
    id: "no-room",
    says: /no room under max 1/,
  },
  {
    what: "jobs that nobody can take",
    make: (world) => world.decide({ states: busy, demand: { unmatched: { jobs: 2, demands: ["java"] } } }),
    id: "jobs-unmatched",
    severity: "warning",
    says: /java/,
  },
  {
    what: "jobs that wait although nothing fails",
    make: (world) => world.decide({ queued: 1, waitedSeconds: 4000, states: { starting: [agentA] } }),
    id: "slow-start",
    severity: "warning",
    says: /66 min/,
  },
  {
    what: "a retirement after its deadline",
    kind: "instances",
    make: (world) => {
      const events = [entered("Wait"), { type: "TaskSucceeded" }, exited({ drain: { state: "busy" } })];
      world.executions = [
        {
          name: "i-00000002.scale-in.1",
          status: "RUNNING",
          startedAt: world.secondsAgo(9000),
          input: input(world, -60),
          events,
        },
      ];
    },
    id: "retirement-stuck",
    says: /in the state Wait: the agent has a job/,
  },
  {
    what: "a retirement whose calls fail",
    kind: "instances",
    make: (world) => {
      const details = { error: "VendorApiError", cause: JSON.stringify({ errorMessage: "drain: HTTP 401" }) };
      const events = [entered("Wait"), { type: "TaskFailed", taskFailedEventDetails: details }];
      world.executions = [
        {
          name: "i-00000002.scale-in.1",
          status: "RUNNING",
          startedAt: world.secondsAgo(900),
          input: input(world, 900),
          events,
        },
      ];
    },
    id: "retirement-stuck",
    says: /VendorApiError: drain: HTTP 401/,
  },
  ...(["FAILED", "TIMED_OUT", "ABORTED"] as const).map(
    (status): Case => ({
      what: `a retirement that ended as ${status}`,
      kind: "instances",
      make: (world) => {
        world.executions = [
          {
            name: "i-1.scale-in.1",
            status,
            startedAt: world.secondsAgo(900),
            stoppedAt: world.secondsAgo(600),
            input: input(world, 900),
            error: "RetirementFailed",
            cause: "it takes jobs again",
            events: [],
          },
        ];
      },
      id: "retirement-failed",
      severity: "warning",
      says: new RegExp(`${status} at 23:50:00: RetirementFailed: it takes jobs again`),
    }),
  ),
  {
    what: "a webhook that gets unsigned messages",
    make: (world) => {
      for (let n = 0; n < 6; n += 1)
        world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), {
          status: "401",
          ip: "192.0.2.1",
        });
    },
    id: "webhook-unsigned",
    severity: "warning",
    says: /6 requests were answered with 401 in 15 minutes, from 192.0.2.1/,
  },
  {
    what: "a webhook that is throttled",
    make: (world) =>
      world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), { status: "429", ip: "192.0.2.1" }),
    id: "webhook-throttled",
    severity: "warning",
    says: /throttleRatePerSecond/,
  },
  {
    what: "a webhook that fails",
    make: (world) =>
      world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), { status: "503", ip: "192.0.2.1" }),
    id: "webhook-failing",
    severity: "warning",
    says: /fleet secret list ci-agents/,
  },
  {
    what: "a mail address that did not confirm, on a later page",
    make: (world) =>
      world.subscriptions.push({ protocol: "email", endpoint: "new@example.com", arn: "PendingConfirmation" }),
    id: "receiver-unconfirmed",
    severity: "warning",
    says: /follow its link/,
  },
  {
    what: "a mail address that somebody unsubscribed",
    make: (world) => world.subscriptions.splice(0),
    id: "receiver-missing",
    severity: "warning",
    says: /Deploy the stack/,
  },
  {
    what: "an alarm that is on and that nothing else explains",
    make: (world) => world.alarms.push({ name: "dead-letters", state: "ALARM", reason: "1 datapoint was 3.0" }),
    id: "alarm-on",
    severity: "warning",
    says: /For 4 min: 1 datapoint was 3.0/,
  },
  {
    what: "alarms that tell nobody",
    make: (world) => world.alarms.push({ name: "dead-letters", state: "OK", actions: false }),
    id: "alarm-mute",
    severity: "warning",
    says: /enable-alarm-actions --alarm-names ci-agents-dead-letters/,
  },
  {
    what: "a fleet without its alarms",
    make: (world) => world.alarms.splice(0),
    id: "alarms-missing",
    severity: "warning",
    says: /knows no alarm ci-agents-/,
  },
];

describe("fleet doctor", () => {
  it.each(["tasks", "pools", "instances"] as const)("finds nothing in a healthy fleet of %s", async (kind) => {
    const { run } = await openDesk(kind);
    const { code, stdout } = await run("doctor");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "ci-agents: nothing is wrong, as far as AWS and the loop's own papers show.\n",
    });
  });

  it.each(cases)("finds $what", async ({ kind = "tasks", make, id, severity = "error", says }) => {
    const { code, findings } = await diagnosed(kind, make);
    const found = findings.filter((finding) => finding.id === id);
    expect(found, JSON.stringify(findings)).toHaveLength(1);
    expect(found[0]).toMatchObject({ severity });
    expect([...(found[0]?.evidence ?? []), found[0]?.todo].join("\n")).toMatch(says);
    expect(code).toBe(severity === "error" ? 1 : 0);
    // One cause makes one finding: whatever else it shows must be another truth about the same trouble.
    expect(findings.length).toBeLessThanOrEqual(3);
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
    for (const { severity, evidence } of gaps) {
      expect(severity).toBe("unknown");
      expect(evidence.join()).toContain(`this AWS identity may not do ${action}`);
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

  it("documents its exit codes and shows examples", async () => {
    const { run } = await openDesk();
    const { stdout } = await run("doctor", "--help");
    expect(stdout).toContain("fleet --json doctor ci-agents");
    expect(stdout).toMatch(/0 {2}no errors.*\n.*1 {2}at least one error.*\n.*3 {2}no errors, but/);
  });
});
