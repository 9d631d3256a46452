import { paginateListEventSourceMappings } from "@aws-sdk/client-lambda";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { DeskClients } from "./clients.ts";

/** The queues of a fleet. */
export interface Queues {
  readonly nextLooks: NextLooksQueue;
  /** Those that hold a message. */
  readonly deadLetters: readonly DeadLetters[];
  /** The queue of dead letters that every fleet has, if it is not there. */
  readonly missing: string | undefined;
}

/** The queue by which the loop calls itself for its next look. */
export interface NextLooksQueue {
  readonly name: string;
  /** Messages that are due and that nobody has received, about; `undefined`: there is no queue. */
  readonly waiting: number | undefined;
  /** A KMS key that encrypts it. The stack sets none. */
  readonly key: string | undefined;
  /** What has Lambda receive the messages; `undefined`: nothing does. */
  readonly source: { readonly state: string; readonly reason: string } | undefined;
}

/** A queue of messages that AWS could not deliver. */
export interface DeadLetters {
  readonly queue: string;
  readonly messages: number;
  /** The alarm on this queue: its section in the runbook. */
  readonly section: string;
}

/** The queue of dead letters of the schedule, and so of every fleet. */
const always = "dead-letters";

/** The rights that {@link readQueues} needs. */
export const queueRights = ["sqs:GetQueueAttributes", "lambda:ListEventSourceMappings"];

/** Name after the stack's → the alarm on it. A fleet has the ones that its config needs. */
const deadLetterQueues: Readonly<Record<string, string>> = {
  [always]: "dead-letters",
  "release-dead-letters": "release-dead-letters",
  "alarms-dead-letters": "alarms-undelivered",
};

/**
 * Reads the queues. Their counts are approximate, and may be a minute late:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
 *
 * @param url of the queue of next looks, as the deployed loop has it
 * @throws AWS's errors, but for queues that are missing
 */
export async function readQueues(
  { stack, url }: { readonly stack: string; readonly url: string },
  clients: Pick<DeskClients, "sqs" | "lambda">,
): Promise<Queues> {
  const [queue, source, ...dead] = await Promise.all([
    attributesOf(url, clients),
    sourceOf(stack, nameOf(url), clients),
    ...Object.entries(deadLetterQueues).map(async ([suffix, section]) => {
      const name = `${stack}-${suffix}`;
      const found = await attributesOf(url.replace(/[^/]+$/, name), clients);
      return {
        queue: name,
        messages: found?.waiting ?? 0,
        section,
        isMissing: found === undefined && suffix === always,
      };
    }),
  ]);
  return {
    nextLooks: { name: nameOf(url), waiting: queue?.waiting, key: queue?.key, source },
    deadLetters: dead.filter(({ messages }) => messages > 0),
    missing: dead.find(({ isMissing }) => isMissing)?.queue,
  };
}

function nameOf(url: string): string {
  return url.split("/").at(-1) ?? url;
}

async function attributesOf(QueueUrl: string, { sqs }: Pick<DeskClients, "sqs">) {
  try {
    const { Attributes: { ApproximateNumberOfMessages: count = "", KmsMasterKeyId: key } = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages", "KmsMasterKeyId"] }),
    );
    if (/^\d+$/.test(count)) return { waiting: Number(count), key };
    throw new Error(`SQS does not say how many messages wait in ${nameOf(QueueUrl)}`);
  } catch (error) {
    if (error instanceof Error && /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)$/.test(error.name)) {
      return undefined;
    }
    throw error;
  }
}

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html */
async function sourceOf(
  stack: string,
  queue: string,
  { lambda: client }: Pick<DeskClients, "lambda">,
): Promise<NextLooksQueue["source"]> {
  for await (const { EventSourceMappings = [] } of paginateListEventSourceMappings(
    { client },
    { FunctionName: `${stack}-autoscale` },
  )) {
    const found = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn?.endsWith(`:${queue}`));
    if (found) {
      const { State = "unknown", StateTransitionReason = "", LastProcessingResult = "" } = found;
      return { state: State, reason: [StateTransitionReason, LastProcessingResult].filter(Boolean).join("; ") };
    }
  }
  return undefined;
}
