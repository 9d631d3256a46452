/** One sort of trouble: the events that tell of it, and the message that people get. */
export interface AlertRule {
  readonly id: string;
  readonly description: string;
  /** EventBridge pattern. */
  readonly pattern: object;
  /** Key of the message → JSON path in the event, which every matching event has. */
  readonly message: Readonly<Record<string, string>>;
}

/** The message of an alert, as JSON for EventBridge to fill in: unquoted variables come out as JSON themselves. */
export function messageTemplate({ description, message }: AlertRule): string {
  const entries = Object.keys(message).map((key) => `${JSON.stringify(key)}: <${key}>`);
  return `{${[`"alert": ${JSON.stringify(description)}`, ...entries, '"time": <time>'].join(", ")}}`;
}
