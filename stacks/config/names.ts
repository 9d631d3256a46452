import { text } from "./primitives.ts";

/** Name of a stack: its file's name, and the prefix of the names of everything in it. */
export const stackName = text(
  /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/,
  "3 to 40 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
);

/** The secrets a fleet may have: key of `secrets` in the config → name in Secrets Manager and on the command line. */
export const secretKeys = {
  agentToken: "agent-token",
  apiToken: "api-token",
  notificationToken: "notification-token",
  workerPoolToken: "worker-pool-token",
  poolPrivateKey: "pool-private-key",
  apiKeySecret: "api-key-secret",
  agentTypeToken: "agent-type-token",
  pat: "pat",
  clientSecret: "client-secret",
  hookSecret: "hook-secret",
} as const;

/** A key of `secrets` that stands for one secret. */
export type SecretKey = keyof typeof secretKeys;

/** Name of a stack's secret in Secrets Manager. */
export function secretName(stack: string, key: SecretKey): string {
  return `agent-fleets/${stack}/${secretKeys[key]}`;
}

/** Name of the capacity provider of a cluster stack's hosts. ECS lets no name start with aws, ecs or fargate, as a stack's may. */
export function hostsOf(clusterStack: string): string {
  return `hosts-${clusterStack}`;
}
