import { describe, expect, it } from "vitest";
import type { DeskWorld } from "../../../fakes/desk-world.ts";
import { diagnosed, findsEach, loopLog } from "./diagnosed.ts";

const queue = "ci-agents-next-looks";

/** The loop has asked for a look that was due so long ago. */
function dueSince(world: DeskWorld, seconds: number): void {
  world.items.set("lease", { nextLookAt: { N: String(world.secondsAgo(seconds).getTime()) } });
}

/** The loop could not send the message, see handlers/lib/aws/next-looks.ts. */
function refuse(world: DeskWorld, secondsAgo: number, error: object): void {
  const message = "SQS took no call for the next look, so this pass waits in itself";
  world.log(loopLog, world.secondsAgo(secondsAgo), { level: "WARN", message, error });
}

/** As SQS answers where the key's policy forbids its use to the sender. */
const keyRefused = {
  name: "KmsAccessDenied",
  message: "User is not authorized to perform: kms:GenerateDataKey on this resource",
};

describe("fleet doctor about queues", () => {
  findsEach([
    {
      what: "a queue of next looks that is missing",
      make: (world) => world.queues.delete(queue),
      id: "next-looks-missing",
      severity: "warning",
      says: /SQS knows no queue ci-agents-next-looks\n.*fleet deploy ci-agents/,
    },
    {
      what: "a queue of dead letters that is missing",
      make: (world) => world.queues.delete("ci-agents-dead-letters"),
      id: "dead-letters-missing",
      severity: "warning",
      says: /SQS knows no queue ci-agents-dead-letters\n.*fleet deploy ci-agents/,
    },
    {
      what: "a source that somebody disabled",
      make: (world) => {
        world.source = { State: "Disabled", StateTransitionReason: "USER_INITIATED" };
      },
      id: "next-looks-stopped",
      severity: "warning",
      says: /the source ci-agents-next-looks of ci-agents-autoscale is Disabled: USER_INITIATED/,
    },
    {
      what: "a source that is missing",
      make: (world) => {
        world.source = undefined;
      },
      id: "next-looks-stopped",
      severity: "warning",
      says: /ci-agents-autoscale has no source ci-agents-next-looks/,
    },
    {
      what: "messages that nobody receives",
      make: (world) => {
        world.source = {
          State: "Enabled",
          StateTransitionReason: "USER_INITIATED",
          LastProcessingResult: "PROBLEM: Function call failed",
        };
        world.queues.set(queue, { waiting: 2 });
        dueSince(world, 40);
      },
      id: "next-looks-unreceived",
      severity: "warning",
      says: /2 messages wait in ci-agents-next-looks; the next look was due 40 s ago\n.*Enabled: USER_INITIATED; PROBLEM/,
    },
    {
      what: "messages that nobody can decrypt",
      make: (world) => {
        world.queues.set(queue, { waiting: 1, key: "alias/theirs" });
        dueSince(world, 40);
      },
      id: "next-looks-unreceived",
      severity: "warning",
      says: /Somebody has set the KMS key alias\/theirs on the queue/,
    },
    {
      what: "messages that SQS refuses for want of a right on a key",
      make: (world) => {
        world.queues.set(queue, { waiting: 0, key: "alias/theirs" });
        refuse(world, 60, keyRefused);
      },
      id: "next-looks-refused",
      severity: "warning",
      says: /KmsAccessDenied: User is not authorized to perform: kms:GenerateDataKey.*\n.*alias\/theirs/,
    },
    {
      what: "dead letters",
      kind: "instances",
      make: (world) => world.queues.set("ci-agents-release-dead-letters", { waiting: 3 }),
      id: "dead-letters",
      severity: "warning",
      says: /3 messages in ci-agents-release-dead-letters/,
    },
  ]);

  it("takes a look that is on its way, one that just became due, and a refusal of long ago for no trouble", async () => {
    for (const seconds of [-8, 0, 10]) {
      const { findings } = await diagnosed("tasks", (world) => {
        world.queues.set(queue, { waiting: 1 });
        dueSince(world, seconds);
        refuse(world, 600, keyRefused);
      });
      expect(findings).toEqual([]);
    }
  });

  it("takes a queue of which SQS gives no count for no empty one", async () => {
    const { code, findings } = await diagnosed("tasks", ({ http }) =>
      http.fail({
        when: ({ headers }) => headers["x-amz-target"] === "AmazonSQS.GetQueueAttributes",
        answer: { status: 200, json: { Attributes: {} } },
      }),
    );
    expect(code).toBe(3);
    expect(findings.map(({ evidence }) => evidence.join())).toEqual([
      expect.stringMatching(/^SQS does not say how many messages wait in ci-agents-/),
    ]);
  });

  it("names the right that is missing where it cannot look", async () => {
    for (const action of ["sqs:GetQueueAttributes", "lambda:ListEventSourceMappings"]) {
      const { code, findings } = await diagnosed("tasks", (world) => world.denied.add(action));
      expect(code).toBe(3);
      expect(findings.map(({ id }) => id)).toEqual(["could-not-look"]);
      expect(findings[0]?.evidence.join()).toContain(`may not do ${action}`);
    }
  });
});
