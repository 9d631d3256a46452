import type { IConstruct } from "constructs";
import { ConfigError } from "../../config/errors.ts";
import { longestText } from "../longest-text.ts";
import type { StackContext } from "../stack-context.ts";

/**
 * Lambda's limit for names and values together:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
 */
const mostBytes = 4096;

/** The config key that each long variable comes from. */
const keys: Readonly<Record<string, string>> = { POOLS: "pools" };

/**
 * Throws a {@link ConfigError} if a function's variables are too long for Lambda. Without this check only a deployment
 * would show it.
 */
export function checkEnvironment(
  scope: IConstruct,
  name: string,
  variables: Readonly<Record<string, string | undefined>>,
  context: Pick<StackContext, "region">,
): void {
  const sizes = Object.entries(variables).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, Buffer.byteLength(key + longestText(scope, value, context))] as const],
  );
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (bytes <= mostBytes) return;
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3);
  const shares = largest.map(([key, size]) => `${key} ${size}`).join(", ");
  throw ConfigError.at(
    keys[largest[0]?.[0] ?? ""] ?? "vendor",
    `must be shorter: the settings of function ${name} need about ${bytes} bytes (${shares}), and Lambda takes ` +
      `${mostBytes}. Shorten what vendor and pools say, or make two stacks of it`,
  );
}
