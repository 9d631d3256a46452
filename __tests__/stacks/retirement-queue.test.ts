import { describe, expect, it } from "vitest";
import { noticeRules } from "../../stacks/constructs/retirement/notice-rules.ts";
import { matches } from "../fakes/event-pattern.ts";
import {
  interruptionEvent,
  launchEvent,
  rebalanceEvent,
  stateEvent,
  terminateEvent,
} from "../fakes/instance-events.ts";
import { account, arn, type Given, instanceRole, instances, kmsKeyArn, onInstances, reference } from "./retirement.ts";
import { type PolicyStatement, resources, type Synthesized, statements, theOnly } from "./synth.ts";

describe("the release queue", () => {
  const queueOf = (stack: Synthesized, name = "ci-release") =>
    resources(stack, "aws_sqs_queue").find((queue) => queue.name === name);
  const rules = ["terminating", "spot"].map((rule) => `${arn}:events:us-west-2:${account}:rule/ci-${rule}`);

  it("Semaphore defect 3: takes messages of the fleet's instances and of its rules, and of nobody else", () => {
    const policy: PolicyStatement[] = statements(queueOf(instances)?.policy);
    const send = { Effect: "Allow", Action: "sqs:SendMessage", Resource: `${arn}:sqs:us-west-2:${account}:ci-release` };
    expect(policy).toEqual([
      { ...send, Principal: { AWS: "*" }, Condition: { ArnEquals: { "aws:PrincipalArn": [instanceRole.arn] } } },
      {
        ...send,
        Principal: { Service: "events.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": rules } },
      },
    ]);
  });

  it.each([undefined, kmsKeyArn])("is encrypted in a way that EventBridge can use (key of the stack: %s)", (key) => {
    const queue = queueOf(onInstances(key === undefined ? {} : { kmsKeyArn: key }));
    expect(queue).toMatchObject({ sqs_managed_sse_enabled: true });
    expect(queue?.kms_master_key_id).toBeUndefined();
  });

  it("Spacelift defect 12: failures are told one by one, tried for half an hour, and then kept", () => {
    expect(theOnly(instances, "aws_lambda_event_source_mapping")).toMatchObject({
      batch_size: 10,
      function_response_types: ["ReportBatchItemFailures"],
      event_source_arn: `${arn}:sqs:us-west-2:${account}:ci-release`,
    });
    expect(JSON.parse(String(queueOf(instances)?.redrive_policy))).toEqual({
      deadLetterTargetArn: reference("aws_sqs_queue\\.release-queue_dead-letters_\\w+\\.arn"),
      maxReceiveCount: 10,
    });
    expect(queueOf(instances)).toMatchObject({ visibility_timeout_seconds: 180 });
    expect(statements(queueOf(instances, "ci-release-dead-letters")?.policy)).toMatchObject([
      { Condition: { ArnLike: { "aws:SourceArn": rules } } },
    ]);
  });

  it("maxConcurrency limits how much is taken in at once", () => {
    const mapping = (given: Given) => theOnly(onInstances(given), "aws_lambda_event_source_mapping").scaling_config;
    expect(mapping({ maxConcurrency: 5 })).toEqual({ maximum_concurrency: 5 });
    expect(mapping({})).toBeUndefined();
  });
});

describe("the rules that bring notices", () => {
  const instance = "i-0123456789abcdef0";
  const rules = noticeRules({ groups: ["ci"], hook: "agent-fleets-retire" });
  const rulesFor = (event: object) => rules.filter(({ pattern }) => matches(pattern, event)).map(({ id }) => id);

  it("are deployed as they are, into the queue, with what cannot be delivered kept", () => {
    const deployed = resources(instances, "aws_cloudwatch_event_rule");
    expect(deployed.map(({ name }) => name).sort()).toEqual(["ci-spot", "ci-terminating"]);
    for (const { id, pattern } of rules) {
      expect(JSON.parse(String(deployed.find(({ name }) => name === `ci-${id}`)?.event_pattern))).toEqual(pattern);
    }
    for (const target of resources(instances, "aws_cloudwatch_event_target")) {
      expect(target).toMatchObject({
        arn: `${arn}:sqs:us-west-2:${account}:ci-release`,
        dead_letter_config: { arn: reference("aws_sqs_queue\\.release-queue_dead-letters_\\w+\\.arn") },
      });
    }
  });

  it.each([
    ["a termination of this group", terminateEvent(instance), ["terminating"]],
    ["a termination of another group", terminateEvent(instance, { AutoScalingGroupName: "ci-2" }), []],
    ["another hook of this group", terminateEvent(instance, { LifecycleHookName: "of-ecs" }), []],
    ["a launch in this group", launchEvent(instance), []],
    ["a Spot interruption", interruptionEvent(instance), ["spot"]],
    ["a rebalance recommendation, on which AWS itself replaces and ends the instance", rebalanceEvent(instance), []],
    ["another event of EC2", stateEvent(instance), []],
  ])("%s", (_, event, expected) => {
    expect(rulesFor(event)).toEqual(expected);
  });

  it("bring those of each of a fleet's groups", () => {
    const [terminating] = noticeRules({ groups: ["ci", "ci-on-demand"], hook: "agent-fleets-retire" });
    const comes = (group: string) =>
      matches(terminating?.pattern ?? {}, terminateEvent(instance, { AutoScalingGroupName: group }));
    expect(["ci", "ci-on-demand", "ci-2"].map(comes)).toEqual([true, true, false]);
  });
});
