import * as z from "zod";
import type { LifecycleHook, RetirementReason } from "../lib/core/retirement.ts";

/** What a message of the release queue says: an instance goes, and why. */
export interface Notice {
  readonly instanceId: string;
  readonly reason: RetirementReason;
  readonly hook?: LifecycleHook;
  /** What the instance itself gave as its reason. */
  readonly said?: string;
}

/** Who sent a message, as SQS itself says: a role's unique id, and for an instance its id as the session's name. */
const sessionOfInstance = /^(?<role>AROA[A-Z0-9]+):(?<instance>i-[0-9a-f]{8,17})$/;
const sessionOfRole = /^AROA[A-Z0-9]+:/;

const instanceId = z.string().regex(/^i-[0-9a-f]{8,17}$/);
const release = z.object({ reason: z.string().max(100) });
const event = z.discriminatedUnion("detail-type", [
  z.object({
    "detail-type": z.literal("EC2 Instance-terminate Lifecycle Action"),
    detail: z.object({
      EC2InstanceId: instanceId,
      LifecycleActionToken: z.string().min(1),
      LifecycleHookName: z.string().min(1),
      AutoScalingGroupName: z.string().min(1),
    }),
  }),
  z.object({
    "detail-type": z.literal("EC2 Spot Instance Interruption Warning"),
    detail: z.object({ "instance-id": instanceId }),
  }),
  z.object({
    "detail-type": z.literal("EC2 Instance Rebalance Recommendation"),
    detail: z.object({ "instance-id": instanceId }),
  }),
]);

/**
 * Reads a message. An instance can speak for itself alone, whatever its message says; EventBridge speaks for AWS.
 *
 * @param instanceRoleId unique id of the role of the fleet's instances
 * @returns `undefined` for what is none: of another role, or no JSON of these shapes
 */
export function noticeOf(
  { senderId, body }: { readonly senderId: string; readonly body: string },
  instanceRoleId: string,
): Notice | undefined {
  const content = jsonOrUndefined(body);
  const session = sessionOfInstance.exec(senderId)?.groups;
  if (session?.role === instanceRoleId && session.instance !== undefined) {
    const said = release.safeParse(content);
    return said.success ? { instanceId: session.instance, reason: "release", said: said.data.reason } : undefined;
  }
  if (sessionOfRole.test(senderId)) return undefined;
  const told = event.safeParse(content);
  return told.success ? noticeOfEvent(told.data) : undefined;
}

function noticeOfEvent(told: z.output<typeof event>): Notice {
  switch (told["detail-type"]) {
    case "EC2 Instance-terminate Lifecycle Action": {
      const { EC2InstanceId, LifecycleActionToken: token, LifecycleHookName: name, AutoScalingGroupName } = told.detail;
      return { instanceId: EC2InstanceId, reason: "terminating", hook: { token, name, group: AutoScalingGroupName } };
    }
    case "EC2 Spot Instance Interruption Warning":
      return { instanceId: told.detail["instance-id"], reason: "spot-interruption" };
    case "EC2 Instance Rebalance Recommendation":
      return { instanceId: told.detail["instance-id"], reason: "rebalance" };
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
