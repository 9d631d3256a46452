import type { Construct } from "constructs";
import { CloudwatchEventRule } from "#provider-aws/cloudwatch-event-rule";
import type { StackContext } from "../stack-context.ts";

/** One kind of problem: the events that report it, and the message that people get. */
export interface AlertRule {
  readonly id: string;
  readonly description: string;
  /** EventBridge pattern. */
  readonly pattern: object;
  /** Key of the message → JSON path in the event. Every matching event has that path. */
  readonly message: Readonly<Record<string, string>>;
}

/** The message of an alert, as JSON for EventBridge to fill in. An unquoted variable is replaced by its JSON. */
export function messageTemplate({ description, message }: AlertRule): string {
  const entries = Object.keys(message).map((key) => `${JSON.stringify(key)}: <${key}>`);
  return `{${[`"alert": ${JSON.stringify(description)}`, ...entries, '"time": <time>'].join(", ")}}`;
}

/** The EventBridge rule of an alert. */
export function createAlertRule(
  scope: Construct,
  id: string,
  context: StackContext,
  alert: AlertRule,
): CloudwatchEventRule {
  return new CloudwatchEventRule(scope, id, {
    name: `${context.name}-${alert.id}`,
    description: alert.description,
    eventPattern: JSON.stringify(alert.pattern),
  });
}

/** The transformation by which a target of that rule makes the message from the event. */
export function messageOf(alert: AlertRule) {
  return { inputPaths: { ...alert.message, time: "$.time" }, inputTemplate: messageTemplate(alert) };
}
