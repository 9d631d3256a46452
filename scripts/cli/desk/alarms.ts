import { type CloudWatchClient, type MetricAlarm, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import type { DeskClients } from "./clients.ts";

/** One alarm of a fleet. */
export interface Alarm {
  /** Without the stack's name: also the name of its section in the runbook, after the pool's. */
  readonly name: string;
  /** Its section in the runbook. */
  readonly section: string;
  readonly state: "OK" | "ALARM" | "INSUFFICIENT_DATA";
  readonly since: Date | undefined;
  /** CloudWatch's own reason for the state. */
  readonly reason: string;
  /** Whether it tells anybody. */
  readonly tells: boolean;
}

/** Somebody or something that alarms are sent to. */
export interface Subscription {
  readonly protocol: string;
  readonly endpoint: string;
  readonly confirmed: boolean;
}

/**
 * The alarms of one stack. Other stacks' names may begin with this one's: only alarms whose name ends as the runbook's
 * section in their description does, after the stack's name or a pool's, are the stack's own.
 */
export async function readAlarms(
  { stack, pools }: { readonly stack: string; readonly pools: readonly string[] },
  cloudwatch: CloudWatchClient,
): Promise<readonly Alarm[]> {
  const alarms: Alarm[] = [];
  const query = { AlarmNamePrefix: `${stack}-`, AlarmTypes: ["MetricAlarm" as const] };
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client: cloudwatch, pageSize: 100 }, query)) {
    alarms.push(...MetricAlarms.flatMap((alarm) => alarmOf(alarm, stack, pools) ?? []));
  }
  return alarms;
}

function alarmOf(found: MetricAlarm, stack: string, pools: readonly string[]): Alarm | undefined {
  const { AlarmName = "", AlarmDescription = "", StateValue, ActionsEnabled, AlarmActions = [] } = found;
  const section = /#([a-z0-9-]+)\s*$/.exec(AlarmDescription)?.[1];
  const name = AlarmName.slice(stack.length + 1);
  const isOurs = section !== undefined && [section, ...pools.map((pool) => `${pool}-${section}`)].includes(name);
  if (!isOurs || StateValue === undefined) return undefined;
  return {
    name,
    section,
    state: StateValue,
    since: found.StateTransitionedTimestamp ?? found.StateUpdatedTimestamp,
    reason: found.StateReason ?? "",
    tells: ActionsEnabled !== false && AlarmActions.length > 0,
  };
}

/**
 * Who gets the messages of a topic. A mail address that did not confirm has the text `PendingConfirmation` in place of an
 * ARN: https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html
 */
export async function readSubscriptions(topic: string, call: DeskClients["call"]): Promise<readonly Subscription[]> {
  const found: Subscription[] = [];
  let next: string | undefined;
  do {
    const input = { TopicArn: topic, ...(next !== undefined && { NextToken: next }) };
    const text = await call("sns", "ListSubscriptionsByTopic", input);
    if (!text.includes("<ListSubscriptionsByTopicResponse")) throw new Error("the answer that came is none of AWS's");
    for (const [member = ""] of text.matchAll(/<member>[\s\S]*?<\/member>/g)) {
      const field = (name: string) => decode(new RegExp(`<${name}>([^<]*)</${name}>`).exec(member)?.[1] ?? "");
      const confirmed = field("SubscriptionArn").startsWith("arn:");
      found.push({ protocol: field("Protocol"), endpoint: field("Endpoint"), confirmed });
    }
    next = decode(/<NextToken>([^<]+)<\/NextToken>/.exec(text)?.[1] ?? "") || undefined;
  } while (next !== undefined);
  return found;
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function decode(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name] ?? "");
}
