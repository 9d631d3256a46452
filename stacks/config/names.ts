import type * as z from "zod";
import type { secrets } from "./secrets.ts";

/** A key of `secrets` that stands for one secret. */
export type SecretKey = Exclude<keyof z.output<typeof secrets>, "recoveryWindowDays">;

/** The secrets a fleet may have: key in the config file → name in Secrets Manager and on the command line. */
export const secretKeys: Readonly<Record<SecretKey, string>> = {
  agentToken: "agent-token",
  apiToken: "api-token",
  notificationToken: "notification-token",
};

/** Name of a stack's secret in Secrets Manager. */
export function secretName(stack: string, key: SecretKey): string {
  return `agent-fleets/${stack}/${secretKeys[key]}`;
}
