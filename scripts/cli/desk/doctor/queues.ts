import { ifKnown } from "../part.ts";
import { clockTime, counted, duration } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** A call that the loop could not send counts for so long. */
const refusedSeconds = 300;
/** A message comes late by a few seconds. The schedule makes good what is later, a minute later at most. */
const lateSeconds = 15;

/** What Lambda says of a source while a deployment goes on, or after it. */
const working = new Set(["Enabled", "Creating", "Enabling", "Updating"]);

/**
 * Whether the loop's calls for its next looks arrive, and whether AWS gave up delivering something. Without these calls the
 * schedule still calls once a minute, so the fleet is slow and not blind.
 */
export function queueFindings(view: View): readonly Finding[] {
  return [...nextLooks(view), ...deadLetters(view)];
}

function nextLooks(view: View): Finding[] {
  const queue = ifKnown(view.picture.queues)?.nextLooks;
  if (queue === undefined) return [];
  const { name: stack } = view;
  const deploy = `Deploy the stack: fleet deploy ${stack}`;
  const found = (finding: Pick<Finding, "id" | "what" | "evidence" | "todo">): Finding[] => [
    { ...finding, severity: "warning", section: "next-looks" },
  ];
  if (queue.waiting === undefined) {
    const what = "The queue of the loop's next looks does not exist, so the loop waits inside its function.";
    return found({ id: "next-looks-missing", what, evidence: [`SQS knows no queue ${queue.name}`], todo: deploy });
  }
  const refused = refusals(view);
  if (refused.length > 0) {
    const what = "SQS refuses the loop's calls for its next looks, so the loop waits inside its function.";
    const todo = `The stack sets no KMS key on ${queue.name}, and the loop's role may send to it. ${deploy}`;
    return found({ id: "next-looks-refused", what, evidence: [...refused, ...keyOf(queue)], todo });
  }
  const { source } = queue;
  if (source === undefined || !working.has(source.state)) {
    const what = "Lambda does not receive the loop's calls for its next looks, so it looks once a minute.";
    const seen = source
      ? `Lambda: the source ${queue.name} of ${stack}-autoscale is ${source.state}${source.reason ? `: ${source.reason}` : ""}`
      : `Lambda: ${stack}-autoscale has no source ${queue.name}`;
    return found({ id: "next-looks-stopped", what, evidence: [seen], todo: deploy });
  }
  const dueAt = ifKnown(view.picture.state)?.nextLookAt;
  const late = dueAt === undefined ? 0 : view.secondsSince(dueAt);
  if (queue.waiting === 0 || late <= lateSeconds) return [];
  const what = "The loop's calls for its next looks are not received, so it looks once a minute.";
  const evidence = [
    `SQS: ${counted(queue.waiting, "message waits", "messages wait")} in ${queue.name}; the next look was due ${duration(late)} ago`,
    `Lambda says of the source: ${[source.state, source.reason].filter(Boolean).join(": ")}`,
    ...keyOf(queue),
  ];
  const todo = `Lambda may lack a free execution, or the loop's role the right to receive or to decrypt. ${deploy}`;
  return found({ id: "next-looks-unreceived", what, evidence, todo });
}

/** What SQS answered to the loop lately: in the network, by rights, or by a KMS key. */
function refusals({ picture, secondsSince }: View): string[] {
  const all = ifKnown(picture.log)?.troubles ?? [];
  const newest = all.find(
    ({ message, at }) => message.startsWith("SQS took no call for the next look") && secondsSince(at) <= refusedSeconds,
  );
  if (newest === undefined) return [];
  const said = newest.errors.map(({ name, message }) => `${name}: ${message}`).join("; ");
  return [`The loop's log at ${clockTime(newest.at)}: ${said || newest.message}`];
}

function keyOf({ key }: { readonly key: string | undefined }): string[] {
  return key === undefined ? [] : [`Somebody has set the KMS key ${key} on the queue`];
}

function deadLetters({ picture, name }: View): Finding[] {
  const { deadLetters: queues = [], missing } = ifKnown(picture.queues) ?? {};
  const lost: Finding[] = missing
    ? [
        {
          id: "dead-letters-missing",
          severity: "warning",
          what: "The queue of what AWS cannot deliver does not exist, so nobody would see a lost call of the loop.",
          evidence: [`SQS knows no queue ${missing}`],
          todo: `Somebody deleted it. Deploy the stack: fleet deploy ${name}`,
        },
      ]
    : [];
  const full = queues.map(
    ({ queue, messages, section }): Finding => ({
      id: "dead-letters",
      severity: "warning",
      what: "AWS gave up delivering a message of the fleet.",
      evidence: [`SQS: ${counted(messages, "message", "messages")} in ${queue}`],
      todo: "The runbook says what it means. Once its cause is mended, purge the queue.",
      section,
    }),
  );
  return [...lost, ...full];
}
