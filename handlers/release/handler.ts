import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { InstanceGroup, Log, Retirements } from "../lib/core/ports.ts";
import { noticeOf } from "./notices.ts";

/** What the release Lambda works with. */
export interface ReleaseDeps {
  readonly group: InstanceGroup;
  readonly retirements: Retirements;
  readonly instanceRoleId: string;
  readonly log: Log;
}

/**
 * Starts a retirement for each message of the release queue that tells of an instance of this fleet. Messages that say
 * nothing, or something of others' instances, are logged and dropped: they would be no better the next time. Those that
 * could not be acted on are named in the answer, so that SQS delivers them again, and no other.
 */
export async function handleRelease({ Records }: SQSEvent, deps: ReleaseDeps): Promise<SQSBatchResponse> {
  const outcomes = await Promise.all(Records.map((record) => take(record, deps)));
  return { batchItemFailures: outcomes.flatMap((failed) => failed ?? []) };
}

async function take(
  { messageId, body, attributes }: SQSRecord,
  { group, retirements, instanceRoleId, log }: ReleaseDeps,
): Promise<{ itemIdentifier: string } | undefined> {
  const senderId = attributes.SenderId;
  const notice = noticeOf({ senderId, body }, instanceRoleId);
  if (notice === undefined) {
    log.warn("message dropped: not of an instance of this fleet, or not understood", { messageId, senderId });
    return undefined;
  }
  const { instanceId, reason, hook, said } = notice;
  try {
    if (!(await group.has(instanceId))) {
      log.info("message dropped: its instance is not in this fleet, or is gone", { messageId, instanceId, reason });
      return undefined;
    }
    await retirements.start({ name: instanceId, capacityId: instanceId }, reason, hook);
    log.info("retirement started", { agent: instanceId, reason, said });
    return undefined;
  } catch (error) {
    log.error("the retirement could not be started", { messageId, agent: instanceId, reason, error });
    return { itemIdentifier: messageId };
  }
}
