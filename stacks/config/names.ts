/** The secrets a fleet may have: key of `secrets` in the config → name in Secrets Manager and on the command line. */
export const secretKeys = {
  agentToken: "agent-token",
  apiToken: "api-token",
  notificationToken: "notification-token",
} as const;

/** A key of `secrets` that stands for one secret. */
export type SecretKey = keyof typeof secretKeys;

/** Name of a stack's secret in Secrets Manager. */
export function secretName(stack: string, key: SecretKey): string {
  return `agent-fleets/${stack}/${secretKeys[key]}`;
}
