import { describe, expect, it } from "vitest";
import { matches } from "../fakes/event-pattern.ts";
import { synthesize, theOnly } from "./synth.ts";

const imageWith = (fields: object) => synthesize({ kind: "machine-image", region: "us-west-2", ...fields }, "base");

describe("a build that fails", () => {
  const stack = imageWith({ alarms: { emails: ["ci@example.com"] } });
  const pattern = JSON.parse(String(theOnly(stack, "aws_cloudwatch_event_rule").event_pattern));
  const [prefix] = [pattern.resources[0].prefix];
  const event = (status: string, resource: string) => ({
    source: "aws.imagebuilder",
    "detail-type": "EC2 Image Builder Image State Change",
    resources: [resource],
    detail: { "previous-state": { status: "TESTING" }, state: { status, reason: "Workflow execution failed" } },
  });

  it("is told, and nothing else", () => {
    expect(prefix).toMatch(/:imagebuilder:us-west-2:[^:]+:image\/base\/$/);
    expect(matches(pattern, event("FAILED", `${prefix}1.0.0/1`))).toBe(true);
    for (const status of ["BUILDING", "AVAILABLE", "CANCELLED", "DELETED"])
      expect(matches(pattern, event(status, `${prefix}1.0.0/1`))).toBe(false);
    expect(matches(pattern, event("FAILED", `${prefix.replace(/base\/$/, "based/")}1.0.0/1`))).toBe(false);
  });

  it("reaches people: the topic lets the rule publish, and has the subscriptions", () => {
    const rule = expect.stringMatching(/^\$\{aws_cloudwatch_event_rule\.[\w-]+\.arn\}$/);
    const topic = expect.stringMatching(/^\$\{aws_sns_topic\.\w+\.arn\}$/);
    const policy = JSON.parse(String(theOnly(stack, "aws_sns_topic_policy").policy));
    expect(policy.Statement).toContainEqual({
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sns:Publish",
      Resource: topic,
      Condition: { ArnLike: { "aws:SourceArn": [rule] } },
    });
    const target = theOnly(stack, "aws_cloudwatch_event_target");
    expect(target).toMatchObject({
      arn: topic,
      depends_on: [expect.stringContaining("aws_sns_topic_policy")],
      dead_letter_config: { arn: expect.stringMatching(/^\$\{aws_sqs_queue\./) },
    });
    expect(theOnly(stack, "aws_sns_topic_subscription")).toMatchObject({
      protocol: "email",
      endpoint: "ci@example.com",
    });
    expect(stack.output?.alarms_topic_arn?.value).toEqual(topic);
  });

  it("is told otherwise when it does not arrive", () => {
    expect(theOnly(stack, "aws_cloudwatch_metric_alarm").alarm_name).toBe("base-alarms-undelivered");
    expect(JSON.parse(String(theOnly(stack, "aws_sqs_queue").policy)).Statement).toMatchObject([
      { Principal: { Service: "events.amazonaws.com" } },
      { Principal: { Service: "sns.amazonaws.com" } },
    ]);
  });

  it("has the same rule as before in a stack that is deployed: one of this name made anew would be deleted with the old one", () => {
    const [rule] = Object.keys(stack.resource.aws_cloudwatch_event_rule ?? {});
    const [target] = Object.keys(stack.resource.aws_cloudwatch_event_target ?? {});
    expect(stack.moved?.flat()).toEqual([
      { from: "aws_cloudwatch_event_rule.alert_rule_AE4D2DF5", to: `aws_cloudwatch_event_rule.${rule}` },
      { from: "aws_cloudwatch_event_target.alert_target_65D607D3", to: `aws_cloudwatch_event_target.${target}` },
    ]);
    expect(Object.keys(stack.resource.aws_sns_topic ?? {})).toEqual(["alert_topic_1CEE5271"]);
  });

  it("goes to a given topic", () => {
    const topicArn = "arn:aws:sns:us-west-2:111122223333:ci";
    const given = imageWith({ alarms: { topicArn } });
    expect(theOnly(given, "aws_cloudwatch_event_target").arn).toBe(topicArn);
    expect(given.resource).not.toHaveProperty("aws_sns_topic");
  });
});
