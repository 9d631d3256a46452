import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { InstanceGroup, Log, Retirements } from "../lib/core/ports.ts";
import { noticeOf } from "./notices.ts";

/** The release Lambda works with these. */
export interface ReleaseDeps {
  readonly group: InstanceGroup;
  readonly retirements: Retirements;
  readonly log: Log;
}

/**
 * Acts on each message of the release queue that is about an instance of this fleet: notes what the instance said of its
 * agent, and starts its retirement. Messages without a meaning, and those about other instances, are logged and dropped:
 * they would be no better the next time. The answer names the messages that could not be acted on, so that SQS delivers
 * those again, and no other.
 */
export async function handleRelease({ Records }: SQSEvent, deps: ReleaseDeps): Promise<SQSBatchResponse> {
  const outcomes = await Promise.all(Records.map((record) => take(record, deps)));
  return { batchItemFailures: outcomes.flatMap((failed) => failed ?? []) };
}

async function take(
  { messageId, body, attributes }: SQSRecord,
  { group, retirements, log }: ReleaseDeps,
): Promise<{ itemIdentifier: string } | undefined> {
  const senderId = attributes.SenderId;
  const notice = noticeOf({ senderId, body });
  if (notice === undefined) {
    log.warn("message dropped: not understood, or an instance speaks for another", { messageId, senderId });
    return undefined;
  }
  const { instanceId, reason, hook, fact, said } = notice;
  try {
    if (!(await group.has(instanceId))) {
      log.info("message dropped: its instance is not in this fleet, or is gone", { messageId, instanceId, reason });
      return undefined;
    }
    if (fact !== undefined) await group.note(instanceId, fact);
    if (reason !== undefined) await retirements.start({ name: instanceId, capacityId: instanceId }, reason, hook);
    log.info("notice taken", { agent: instanceId, reason, fact, said });
    return undefined;
  } catch (error) {
    log.error("the notice could not be acted on", { messageId, agent: instanceId, reason, error });
    return { itemIdentifier: messageId };
  }
}
