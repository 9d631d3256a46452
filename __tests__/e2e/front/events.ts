import * as z from "zod";
import { matches } from "../../fakes/event-pattern.ts";
import { ask } from "../aws-listings.ts";

/** An event of an AWS service. */
export interface ServiceEvent {
  readonly region: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, string>>;
}

const listedRules = z.object({
  Rules: z.array(z.object({ Name: z.string(), State: z.string(), EventPattern: z.string().optional() })),
});
const listedTargets = z.object({
  Targets: z.array(z.strictObject({ Id: z.string(), Arn: z.string(), DeadLetterConfig: z.unknown().optional() })),
});
const found = z.object({ QueueUrl: z.string() });

/**
 * EventBridge for events of AWS services: delivers an event to the targets of all matching deployed rules. The targets
 * are queues and get it unchanged. moto would also deliver it to the targets of schedules, and fail there.
 */
export async function putEvent(moto: string, { region, source, detailType, detail }: ServiceEvent): Promise<void> {
  const call = async (service: string, target: string, input: object) => {
    const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" };
    return JSON.parse(await ask(moto, region, service, "/", { method: "POST", body: JSON.stringify(input), headers }));
  };
  const { Rules: rules } = listedRules.parse(await call("events", "AWSEvents.ListRules", {}));
  const event = { version: "0", source, "detail-type": detailType, region, resources: [], detail };
  for (const { Name: Rule, State, EventPattern } of rules) {
    if (State !== "ENABLED" || EventPattern === undefined || !matches(JSON.parse(EventPattern), event)) continue;
    const { Targets: targets } = listedTargets.parse(await call("events", "AWSEvents.ListTargetsByRule", { Rule }));
    for (const { Arn } of targets) {
      const queue = /^arn:aws:sqs:[^:]+:[^:]+:(.+)$/.exec(Arn)?.[1];
      if (queue === undefined) throw new Error(`${Rule}: say here how an event gets to ${Arn}`);
      const { QueueUrl } = found.parse(await call("sqs", "AmazonSQS.GetQueueUrl", { QueueName: queue }));
      await call("sqs", "AmazonSQS.SendMessage", { QueueUrl, MessageBody: JSON.stringify(event) });
    }
  }
}
