import * as z from "zod";
import type { AgentFact } from "../lib/core/ports.ts";
import type { LifecycleHook, RetirementReason } from "../lib/core/retirement.ts";

/** The meaning of a message of the release queue for one instance. */
export interface Notice {
  readonly instanceId: string;
  /** Why the instance is to be retired; `undefined`: it is not. */
  readonly reason?: RetirementReason | undefined;
  readonly hook?: LifecycleHook;
  /** The instance's word on its agent. */
  readonly fact?: AgentFact;
  /** The reason that the instance itself gave. */
  readonly said?: string;
}

/**
 * SQS itself names the sender of a message: a role's session as `<unique id of the role>:<name of the session>`. The
 * session of an instance has the instance's id as its name.
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
 * The words of an instance that say something else than that its agent has left. The loop retires those without an agent:
 * it alone knows whether they would only be replaced by others that fail.
 */
const wordsOnAgents: Readonly<Record<string, Pick<Notice, "reason" | "fact">>> = {
  registered: { fact: "registered" },
  "never-registered": { fact: "never-registered" },
  "boot-failed": { fact: "never-registered" },
};

/** Every other word: the vendor's own reasons, such as `IDLE` or `JOB_FINISHED`. */
const hasLeft: Pick<Notice, "reason" | "fact"> = { reason: "release", fact: "left" };

/**
 * Reads a message. An instance can speak for itself alone, whatever its message says. Everybody else whom the queue's
 * policy let in is believed: AWS nowhere promises as whom EventBridge sends, and an operator may send a lost notice again.
 *
 * @returns `undefined` for a message of another form, and for one of an instance that speaks for another
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
