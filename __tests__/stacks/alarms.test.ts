import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { spacelift } from "./ec2-fleet.ts";
import { minimal, resources, statements, synthesize, theOnly } from "./synth.ts";

describe("alarms", () => {
  const stack = synthesize({ ...minimal, alarms: { emails: ["ci@example.com"], queueWaitSeconds: 120 } });
  const alarms = resources(stack, "aws_cloudwatch_metric_alarm");

  it("cover the loop, the queue, the ceiling, launches and deliveries", () => {
    expect(alarms.map((alarm) => alarm.alarm_name).sort()).toEqual([
      "ci-agents-unseen",
      "ci-at-ceiling",
      "ci-circuit-open",
      "ci-dead-letters",
      "ci-launch-failures",
      "ci-loop-failing",
      "ci-loop-silent",
      "ci-no-agents",
      "ci-paused",
      "ci-queue-wait",
      "ci-vendor-api-errors",
      "ci-webhook-failing",
      "ci-webhook-refusing",
      "ci-webhook-throttled",
    ]);
    expect(alarms.find((alarm) => alarm.alarm_name === "ci-queue-wait")).toMatchObject({
      threshold: 120,
      dimensions: { Fleet: "ci" },
      namespace: "AgentFleets",
    });
  });

  it("tell of strangers at the webhook, and of messages that its throttle turned away", () => {
    const named = (name: string) => alarms.find((alarm) => alarm.alarm_name === name);
    const api = { ApiId: expect.stringContaining("aws_apigatewayv2_api") };
    expect(named("ci-webhook-refusing")).toMatchObject({ metric_name: "4xx", dimensions: api, threshold: 20 });
    expect(named("ci-webhook-throttled")).toMatchObject({
      namespace: "AgentFleets",
      metric_name: "WebhookThrottled",
      dimensions: { Fleet: "ci" },
      threshold: 1,
    });
  });

  it("a silent loop alarms where the schedule fires, or nothing is heard any more, and not because the alarm is new", () => {
    const { metric_query, ...silent } = alarms.find((alarm) => alarm.alarm_name === "ci-loop-silent") ?? {};
    // A new alarm has insufficient data, and CloudWatch tells only changes.
    expect(silent).toMatchObject({ treat_missing_data: "missing", threshold: 1, evaluation_periods: 5 });
    expect(silent.insufficient_data_actions).toEqual(silent.alarm_actions);
    const sum = { period: 60, stat: "Sum" };
    expect(metric_query).toEqual([
      {
        id: "watched",
        metric: {
          namespace: "AWS/Lambda",
          metric_name: "Invocations",
          dimensions: { FunctionName: "ci-autoscale" },
          ...sum,
        },
      },
      {
        id: "beside",
        metric: {
          namespace: "AWS/Events",
          metric_name: "Invocations",
          dimensions: { RuleName: "ci-every-minute" },
          ...sum,
        },
      },
      { id: "counted", expression: "SUM([watched, beside]) - beside", label: "Invocations", return_data: true },
    ]);
  });

  it("each says its impact and has a section in the runbook", () => {
    const runbook = readFileSync("docs/runbook.md", "utf8");
    for (const { alarm_name, alarm_description } of alarms) {
      const section = String(alarm_name).replace("ci-", "");
      expect(alarm_description).toMatch(/^\S.+\. What to do: docs\/runbook\.md#/);
      const isThere = runbook.includes(`\n## ${section}\n`);
      expect(isThere, `docs/runbook.md needs a section "## ${section}"`).toBe(true);
    }
  });

  it("name agents that do not answer, where the instance alone knows of its agent", () => {
    const silent = (config: object) =>
      resources(synthesize(config), "aws_cloudwatch_metric_alarm").filter(
        ({ alarm_name: name }) => name === "ci-agents-silent",
      );
    expect(silent(spacelift)).toEqual([]);
    const vendor = { type: "semaphore", organization: "acme" };
    const [alarm] = silent({ kind: "ec2-fleet", region: "us-west-2", vendor, network: { create: {} } });
    expect(alarm).toMatchObject({
      namespace: "AgentFleets",
      metric_name: "AgentsSilent",
      dimensions: { Fleet: "ci" },
      threshold: 1,
      treat_missing_data: "notBreaching",
    });
    expect(readFileSync("docs/runbook.md", "utf8")).toContain("\n## agents-silent\n");
  });

  it("arrive: the topic lets this fleet's alarms publish and has its subscriptions", () => {
    const topic = theOnly(stack, "aws_sns_topic");
    for (const alarm of alarms) {
      expect(alarm.alarm_actions).toEqual([expect.stringContaining("aws_sns_topic.alarm-topic")]);
    }
    expect(topic.name).toBe("ci-alarms");
    expect(statements(theOnly(stack, "aws_sns_topic_policy").policy)).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: expect.stringContaining("aws_sns_topic"),
        Condition: { ArnLike: { "aws:SourceArn": [expect.stringMatching(/:cloudwatch:us-west-2:.*:alarm:ci-\*$/)] } },
      },
    ]);
    expect(theOnly(stack, "aws_sns_topic_subscription")).toMatchObject({
      protocol: "email",
      endpoint: "ci@example.com",
    });
  });

  it("arrive by other ways too, and what does not is kept and tells", () => {
    const queueArn = "arn:aws:sqs:us-west-2:123456789012:ops";
    const functionArn = "arn:aws:lambda:us-west-2:123456789012:function:ops";
    const more = synthesize({
      ...minimal,
      alarms: {
        emails: ["ci@example.com"],
        subscriptions: [
          { protocol: "https", url: "https://ops.example.com/alarms" },
          { protocol: "sqs", queueArn },
          { protocol: "lambda", functionArn },
        ],
      },
    });
    const kept = {
      redrive_policy: expect.stringMatching(/"deadLetterTargetArn":"\$\{aws_sqs_queue\.alarm-topic_dead-letters/),
    };
    expect(resources(more, "aws_sns_topic_subscription")).toMatchObject([
      { protocol: "email", endpoint: "ci@example.com" },
      { protocol: "https", endpoint: "https://ops.example.com/alarms", ...kept },
      { protocol: "lambda", endpoint: functionArn, ...kept },
      { protocol: "sqs", endpoint: queueArn, ...kept },
    ]);
    expect(resources(more, "aws_lambda_permission")).toContainEqual(
      expect.objectContaining({ function_name: functionArn, principal: "sns.amazonaws.com" }),
    );
    const names = (stack: typeof more) =>
      resources(stack, "aws_cloudwatch_metric_alarm").map((alarm) => alarm.alarm_name);
    expect(names(more)).toContain("ci-alarms-undelivered");
    expect(names(stack)).not.toContain("ci-alarms-undelivered");
  });

  it("go to a given topic instead of one of ours", () => {
    const topicArn = "arn:aws:sns:us-west-2:123456789012:ops";
    const given = synthesize({ ...minimal, alarms: { topicArn } });
    expect(resources(given, "aws_sns_topic")).toEqual([]);
    for (const alarm of resources(given, "aws_cloudwatch_metric_alarm"))
      expect(alarm.alarm_actions).toEqual([topicArn]);
  });
});

it.each([minimal, spacelift])("an output names the log of the loop, which the dashboard reads ($kind)", (config) => {
  const stack = synthesize(config);
  const group = stack.output?.autoscaler_log_group?.value;
  expect(resources(stack, "aws_cloudwatch_log_group").map(({ name }) => name)).toContain(group);
  expect(String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body)).toContain(`SOURCE '${group}'`);
});
