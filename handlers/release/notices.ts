import * as z from "zod";
import type { AgentFact } from "../lib/core/ports.ts";
import type { LifecycleHook, RetirementReason } from "../lib/core/retirement.ts";

/** A message of the release queue about one instance. */
export interface Notice {
  readonly instanceId: string;
  /** Why to retire the instance; `undefined`: the message starts no retirement. */
  readonly reason?: RetirementReason | undefined;
  readonly hook?: LifecycleHook;
  /** The instance's report about its agent. */
  readonly fact?: AgentFact;
  /** The reason in the instance's message. */
  readonly said?: string;
}

/**
 * SQS itself adds the sender of a message: for a role's session, `<unique id of the role>:<name of the session>`. The
 * name of an instance's session is the instance's id.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
const sessionOfInstance = /^AROA[A-Z0-9]+:(?<instance>i-[0-9a-f]{8,17})$/;

const instanceId = z.string().regex(/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/);
const ownWord = z.object({ reason: z.string().max(100) });
const event = z.discriminatedUnion("detail-type", [
  z.object({
    "detail-type": z.literal("EC2 Instance-terminate Lifecycle Action"),
    detail: z.object({
      EC2InstanceId: instanceId,
      LifecycleHookName: z.string().min(1),
      AutoScalingGroupName: z.string().min(1),
    }),
  }),
  z.object({
    "detail-type": z.literal("EC2 Spot Instance Interruption Warning"),
    detail: z.object({ "instance-id": instanceId }),
  }),
]);

/**
 * The reports of an instance, except that its agent has left. They start no retirement: the loop retires instances
 * without an agent, because only the loop knows whether their replacements would fail, too.
 */
const wordsOnAgents: Readonly<Record<string, Pick<Notice, "reason" | "fact">>> = {
  registered: { fact: "registered" },
  "never-registered": { fact: "never-registered" },
  "boot-failed": { fact: "never-registered" },
};

/** For every other report, such as the vendor's own reasons `IDLE` or `JOB_FINISHED`. */
const hasLeft: Pick<Notice, "reason" | "fact"> = { reason: "release", fact: "left" };

/**
 * Reads a message. An instance can only report about itself. Every other sender that the queue's policy admits is
 * trusted: AWS does not document EventBridge's sender id, and an operator may send a lost notice again.
 *
 * @returns `undefined` for an invalid message, and for one that an instance sent about another instance
 */
export function noticeOf({ senderId, body }: { readonly senderId: string; readonly body: string }): Notice | undefined {
  const content = jsonOrUndefined(body);
  const sender = sessionOfInstance.exec(senderId)?.groups?.instance;
  const told = event.safeParse(content);
  if (told.success) {
    const notice = noticeOfEvent(told.data);
    return sender === undefined || sender === notice.instanceId ? notice : undefined;
  }
  const word = ownWord.safeParse(content);
  if (sender === undefined || !word.success) return undefined;
  const said = word.data.reason;
  const meaning = Object.hasOwn(wordsOnAgents, said) ? wordsOnAgents[said] : hasLeft;
  return { instanceId: sender, said, ...meaning };
}

function noticeOfEvent(told: z.output<typeof event>): Notice {
  switch (told["detail-type"]) {
    case "EC2 Instance-terminate Lifecycle Action": {
      const { EC2InstanceId, LifecycleHookName: name, AutoScalingGroupName: group } = told.detail;
      return { instanceId: EC2InstanceId, reason: "terminating", hook: { name, group } };
    }
    case "EC2 Spot Instance Interruption Warning":
      return { instanceId: told.detail["instance-id"], reason: "spot-interruption" };
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
