import { secretName } from "../../../stacks/config/names.ts";
import type { StackSecret } from "../lib/stack-secrets.ts";

/**
 * Who reads a secret, and so when its new value counts.
 *
 * - `webhook`: reads it anew for a message that no known value fits, and takes the value from before for a day.
 * - `functions`: loop and retirement; they keep a value for five minutes.
 * - `agents`: each reads it when it starts, and keeps it until it ends.
 */
export type Reader = "webhook" | "functions" | "agents";

const ofAgents = new Set(["agent-token", "agent-type-token", "worker-pool-token", "pool-private-key"]);

/** See {@link Reader}. */
export function readerOf({ facts }: Pick<StackSecret, "facts">): Reader {
  if (facts.previousCounts) return "webhook";
  return ofAgents.has(facts.name) ? "agents" : "functions";
}

/** Whether the secret is the stack's own, so that no other stack reads it. */
export function isOwn({ id, stack, facts }: StackSecret): boolean {
  return id === secretName(stack, facts.name);
}
