import { describe, expect, it } from "vitest";
import { messageTemplate } from "../../stacks/constructs/alarms/alert-rule.ts";
import { alertRules } from "../../stacks/constructs/cluster/alert-rules.ts";
import { cluster, container, deploymentEvent, serviceEvent, taskEvent } from "../fakes/ecs-events.ts";
import { matches } from "../fakes/event-pattern.ts";
import { synthCluster } from "./ecs-cluster.ts";
import { resources, statements, theOnly } from "./synth.ts";

const rules = alertRules(cluster);

/** The alerts that an event raises. */
const alertsOf = (event: object) => rules.filter(({ pattern }) => matches(pattern, event)).map(({ id }) => id);

const exit = (exitCode: number, more: object = {}) => container({ exitCode, ...more });
const scheduler = "ServiceSchedulerInitiated";

describe("defect 1: an alert is raised by", () => {
  it.each([
    ["a non-zero exit", taskEvent({ containers: [exit(1)] })],
    ["a non-zero exit of one container among several", taskEvent({ containers: [exit(0), exit(2)] })],
    ["a kill", taskEvent({ containers: [exit(137)] })],
    [
      "want of memory",
      taskEvent({ containers: [exit(137, { reason: "OutOfMemoryError: Container killed due to memory usage" })] }),
    ],
    [
      "want of memory of a container that is not essential",
      taskEvent({
        stopCode: scheduler,
        containers: [exit(0), exit(137, { reason: "OutOfMemoryError: Container killed due to memory usage" })],
      }),
    ],
    [
      "an image that cannot be pulled",
      taskEvent({
        stopCode: "TaskFailedToStart",
        stoppedReason: "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found",
        containers: [container()],
      }),
    ],
    [
      "a secret that cannot be read",
      taskEvent({
        stopCode: "TaskFailedToStart",
        stoppedReason:
          "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed",
        containers: [container()],
      }),
    ],
    [
      "failed health checks of the load balancer",
      taskEvent({
        stopCode: scheduler,
        stoppedReason:
          "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-west-2:111122223333:targetgroup/web/6d0ecf831eec9f09)",
        containers: [exit(143)],
      }),
    ],
    [
      "failed health checks of the container",
      taskEvent({ stopCode: scheduler, stoppedReason: "Task failed container health checks", containers: [exit(143)] }),
    ],
    ["a task that nobody's service runs", taskEvent({ group: "family:batch", startedBy: "ci", containers: [exit(3)] })],
  ])("%s", (_, event) => {
    expect(alertsOf(event)).toEqual(["task-failed"]);
  });

  it.each([
    ["a failed deployment", deploymentEvent("SERVICE_DEPLOYMENT_FAILED", "ERROR"), "deployment-failed"],
    [
      "want of room on the hosts",
      serviceEvent("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", { reason: "RESOURCE:MEMORY" }),
      "service-impaired",
    ],
    ["tasks that start again and again", serviceEvent("SERVICE_TASK_START_IMPAIRED", "WARN"), "service-impaired"],
  ])("%s", (_, event, alert) => {
    expect(alertsOf(event)).toEqual([alert]);
  });
});

describe("no alert is raised by", () => {
  it.each([
    ["a task that ends well", taskEvent()],
    ["a helper that is told to leave after the essential container", taskEvent({ containers: [exit(0), exit(143)] })],
    [
      "scale-in",
      taskEvent({
        stopCode: scheduler,
        stoppedReason: "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)",
        containers: [exit(143)],
      }),
    ],
    [
      "scale-in of a task that ignores SIGTERM",
      taskEvent({
        stopCode: scheduler,
        stoppedReason: "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)",
        containers: [exit(137)],
      }),
    ],
    [
      "a draining host",
      taskEvent({
        stopCode: scheduler,
        stoppedReason: "Service web: Task stopped because its container instance is draining",
        containers: [exit(143)],
      }),
    ],
    [
      "a person",
      taskEvent({ stopCode: "UserInitiated", stoppedReason: "Task stopped by user", containers: [exit(137)] }),
    ],
    [
      "Spot",
      taskEvent({
        stopCode: "SpotInterruption",
        stoppedReason: "Your Spot Task was interrupted.",
        containers: [exit(143)],
      }),
    ],
    [
      "a task that runs",
      taskEvent({ lastStatus: "RUNNING", stopCode: undefined, containers: [container({ lastStatus: "RUNNING" })] }),
    ],
    [
      "a container that failed in a task that is still stopping",
      taskEvent({ lastStatus: "DEPROVISIONING", containers: [exit(1)] }),
    ],
    ["another cluster", taskEvent({ clusterArn: `${cluster.arn}-2`, containers: [exit(1)] })],
    ["a deployment in progress", deploymentEvent("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO")],
    ["a deployment that succeeded", deploymentEvent("SERVICE_DEPLOYMENT_COMPLETED", "INFO")],
    [
      "another cluster's deployment",
      deploymentEvent("SERVICE_DEPLOYMENT_FAILED", "ERROR", "arn:aws:ecs:us-west-2:111122223333:service/apps-2/web"),
    ],
    ["a steady service", serviceEvent("SERVICE_STEADY_STATE", "INFO")],
    [
      "another cluster's service",
      serviceEvent("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", { clusterArn: `${cluster.arn}-2` }),
    ],
    ["another source", { ...taskEvent({ containers: [exit(1)] }), source: "acme.ecs" }],
  ])("%s", (_, event) => {
    expect(alertsOf(event)).toEqual([]);
  });
});

/** What EventBridge makes of a template: a variable without quotes becomes the JSON of its value. */
function deliver(rule: (typeof rules)[number], event: object): Record<string, unknown> {
  const paths: Record<string, string> = { ...rule.message, time: "$.time" };
  const text = messageTemplate(rule).replaceAll(/<(\w+)>/g, (_, name: string) => {
    const value = (paths[name] ?? "")
      .split(".")
      .slice(1)
      .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], event);
    expect(value, `${rule.id} ${name}`).toBeDefined();
    return JSON.stringify(value);
  });
  return JSON.parse(text);
}

describe("defect 1: the message", () => {
  const [task, deployment, impaired] = rules;

  it("of a task names cluster, service, task, exit code and reason", () => {
    const event = taskEvent({ containers: [exit(137, { reason: 'OutOfMemoryError: "x"' })] });
    expect(task && deliver(task, event)).toMatchObject({
      alert: expect.stringContaining("task failed"),
      cluster: cluster.arn,
      service: "service:web",
      task: event.detail && expect.stringContaining(":task/apps/"),
      stopCode: "EssentialContainerExited",
      reason: "Essential container in task exited",
      containers: [{ name: "web", exitCode: 137, reason: 'OutOfMemoryError: "x"' }],
      time: "2026-01-23T17:57:58Z",
    });
  });

  it("of a deployment or a service names the service, and holds no variable that an event may lack", () => {
    expect(deployment && deliver(deployment, deploymentEvent("SERVICE_DEPLOYMENT_FAILED", "ERROR"))).toMatchObject({
      service: [`${cluster.serviceArnPrefix}web`],
      reason: expect.stringContaining("circuit breaker"),
    });
    for (const more of [{}, { reason: "RESOURCE:CPU" }]) {
      expect(impaired && deliver(impaired, serviceEvent("SERVICE_TASK_START_IMPAIRED", "WARN", more))).toMatchObject({
        cluster: cluster.arn,
        event: "SERVICE_TASK_START_IMPAIRED",
        detail: more,
      });
    }
  });
});

describe("defect 1: an alert arrives", () => {
  const subscriptions = [
    { protocol: "email", address: "ops@example.com" },
    { protocol: "https", url: "https://hooks.example.com/ecs" },
    { protocol: "sqs", queueArn: "arn:aws:sqs:us-west-2:123456789012:alerts" },
    { protocol: "lambda", functionArn: "arn:aws:lambda:us-west-2:123456789012:function:alerts" },
  ];
  const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
  const stack = synthCluster({ alarms: { emails: ["ci@example.com"], subscriptions }, kmsKeyArn });

  it("because the topic lets these rules publish, and nobody else", () => {
    expect(statements(theOnly(stack, "aws_sns_topic_policy").policy)).toEqual([
      expect.objectContaining({ Principal: { Service: "cloudwatch.amazonaws.com" } }),
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sns:Publish",
        Resource: expect.stringMatching(/aws_sns_topic\.alerts/),
        Condition: { ArnLike: { "aws:SourceArn": rules.map(({ id }) => expect.stringContaining(`alerts_${id}`)) } },
      },
    ]);
    expect(theOnly(stack, "aws_sns_topic").kms_master_key_id).toBe(kmsKeyArn);
  });

  it("at every rule's target, which is the topic, with a dead-letter queue", () => {
    const targets = resources(stack, "aws_cloudwatch_event_target");
    expect(targets).toHaveLength(rules.length);
    for (const target of targets) {
      expect(target).toMatchObject({
        arn: expect.stringContaining("aws_sns_topic"),
        dead_letter_config: { arn: expect.stringContaining("aws_sqs_queue") },
        input_transformer: { input_template: expect.stringContaining("<time>") },
      });
    }
    const [events, sns] = statements(theOnly(stack, "aws_sqs_queue").policy);
    expect(events).toMatchObject({ Principal: { Service: "events.amazonaws.com" }, Action: "sqs:SendMessage" });
    expect(sns).toMatchObject({ Principal: { Service: "sns.amazonaws.com" } });
  });

  it("at every subscription of the config", () => {
    const made = resources(stack, "aws_sns_topic_subscription").map(({ protocol, endpoint }) => [protocol, endpoint]);
    const wanted = [["email", "ci@example.com"], ...subscriptions.map((each) => Object.values(each))];
    expect(made.sort()).toEqual(wanted.sort());
    expect(theOnly(stack, "aws_lambda_permission")).toMatchObject({
      principal: "sns.amazonaws.com",
      source_arn: expect.stringContaining("aws_sns_topic"),
    });
    const redriven = resources(stack, "aws_sns_topic_subscription").filter((each) => each.redrive_policy);
    expect(redriven).toHaveLength(3);
  });

  it("or an alarm tells that it did not", () => {
    const alarms = resources(stack, "aws_cloudwatch_metric_alarm");
    expect(alarms.find((alarm) => alarm.alarm_name === "apps-alarms-undelivered")).toMatchObject({
      alarm_actions: [expect.stringContaining("aws_sns_topic")],
    });
  });

  it("at the topic that an output names", () => {
    expect(stack.output?.alarms_topic_arn?.value).toMatch(/^\$\{aws_sns_topic\.alerts_topic_\w+\.arn\}$/);
    expect(stack.output).not.toHaveProperty("alerts_topic_arn");
  });

  it("at a given topic, and what that refuses is kept", () => {
    const topicArn = "arn:aws:sns:us-west-2:111122223333:ci";
    const given = synthCluster({ alarms: { topicArn } });
    expect(given.resource).not.toHaveProperty("aws_sns_topic");
    const targets = resources(given, "aws_cloudwatch_event_target");
    expect(targets).toHaveLength(rules.length);
    for (const target of targets)
      expect(target).toMatchObject({ arn: topicArn, dead_letter_config: { arn: expect.any(String) } });
    expect(statements(theOnly(given, "aws_sqs_queue").policy)).toMatchObject([
      { Principal: { Service: "events.amazonaws.com" } },
    ]);
    for (const alarm of resources(given, "aws_cloudwatch_metric_alarm"))
      expect(alarm.alarm_actions).toEqual([topicArn]);
    expect(given.output?.alarms_topic_arn?.value).toBe(topicArn);
  });
});

/** Confirmed subscriptions and undelivered messages go with the topic and the queue that Terraform replaces. */
it("a cluster that was deployed with `alerts` keeps its topic, its policy and its queue", () => {
  const { resource, moved } = synthCluster();
  expect(resource.aws_sns_topic).toEqual({ alerts_topic_3313844B: expect.objectContaining({ name: "apps-alerts" }) });
  expect(resource.aws_sqs_queue).toEqual({
    "alerts_dead-letters_queue_D794250A": expect.objectContaining({ name: "apps-alerts-dead-letters" }),
  });
  const [policy] = Object.keys(resource.aws_sns_topic_policy ?? {});
  expect(moved?.flat()).toEqual([
    { from: "aws_sns_topic_policy.alerts_topic-policy_722709C9", to: `aws_sns_topic_policy.${policy}` },
  ]);
});
