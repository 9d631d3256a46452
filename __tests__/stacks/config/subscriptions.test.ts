import { describe, expect, it } from "vitest";
import { load, messagesIn } from "./files.ts";

const fleet = (subscriptions: string) =>
  `kind: ec2-fleet\nregion: us-west-2\nvendor: { type: semaphore, organization: acme }\nalarms: { subscriptions: [${subscriptions}] }`;
const cluster = (subscriptions: string) =>
  `kind: ecs-cluster\nregion: us-west-2\nalarms: { subscriptions: [${subscriptions}] }`;
const image = (subscriptions: string) =>
  `kind: machine-image\nregion: us-west-2\nalarms: { subscriptions: [${subscriptions}] }`;
const functionIn = (region: string) =>
  `{ protocol: lambda, functionArn: "arn:aws:lambda:${region}:111122223333:function:pager" }`;
const queue = (name: string) => `{ protocol: sqs, queueArn: "arn:aws:sqs:eu-west-1:111122223333:${name}" }`;

describe.each([
  ["a fleet", fleet],
  ["a cluster", cluster],
  ["a machine image", image],
])("subscriptions of %s", (_, config) => {
  it("may be functions of its region, and queues of any", () => {
    const text = config(`${functionIn("us-west-2")}, ${queue("pager")}`);
    expect(load({ "config/fleet.yaml": text }).stacks).toHaveLength(1);
  });

  it("may be no functions elsewhere, whose permission the stack could not make", () => {
    expect(messagesIn(config(functionIn("eu-west-1")))).toEqual([
      expect.stringContaining(`alarms.subscriptions: must only have functions in the stack's region, us-west-2`),
    ]);
  });

  it("may be no FIFO queues, which SNS refuses for such a topic", () => {
    expect(messagesIn(config(queue("pager.fifo")))).toEqual([
      expect.stringContaining(`alarms.subscriptions[0].queueArn: must be the ARN of a standard SQS queue (not FIFO)`),
    ]);
  });
});
