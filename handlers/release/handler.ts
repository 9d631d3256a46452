import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { InstanceGroup, Log, Retirements } from "../lib/core/ports.ts";
import { noticeOf } from "./notices.ts";

/** The dependencies of the release Lambda. */
export interface ReleaseDeps {
  readonly group: InstanceGroup;
  readonly retirements: Retirements;
  readonly log: Log;
}

/**
 * Handles each message of the release queue about an instance of this fleet: stores the instance's report about its
 * agent, and starts its retirement. Logs and drops invalid messages and those about other instances, because a repeat
 * would not help. The answer lists the failed messages, so that SQS delivers only those again.
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
    log.warn("message dropped: it is invalid, or one instance sent it about another", { messageId, senderId });
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
    log.error("the notice could not be handled", { messageId, agent: instanceId, reason, error });
    return { itemIdentifier: messageId };
  }
}
