import { DefaultTokenResolver, StringConcat, Tokenization } from "cdktf";
import type { IConstruct } from "constructs";
import { ConfigError } from "../../config/errors.ts";

/**
 * Lambda's limit for names and values together:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
 */
const mostBytes = 4096;

/** The config key that each long variable comes from. */
const keys: Readonly<Record<string, string>> = { POOLS: "pools", CAPACITY: "compute" };

/** A Terraform expression, or text that looks like one as `terraformText` escapes it. */
const expression = /([$%])\1\{|[$%]\{([^}]*)\}/g;

/** The longest value that an expression can have, judged by its end. Only Terraform knows the value. */
const lengths: readonly (readonly [end: RegExp, bytes: number])[] = [
  [/secret\..*\.arn$/, 140],
  [/\.arn$/, 110],
  [/\.id$/, 24],
  [/\.revision$/, 5],
  [/(?:)/, 100],
];

/**
 * Throws a {@link ConfigError} if a function's variables are too long for Lambda. Without this check only a deployment
 * would show it.
 */
export function checkEnvironment(scope: IConstruct, name: string, variables: Readonly<Record<string, string>>): void {
  const resolver = new DefaultTokenResolver(new StringConcat());
  const resolved: typeof variables = Tokenization.resolve(variables, { scope, resolver, preparing: false });
  const sizes = Object.entries(resolved).map(
    ([key, value]) => [key, Buffer.byteLength(key + expanded(value))] as const,
  );
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (bytes <= mostBytes) return;
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3);
  const shares = largest.map(([key, size]) => `${key} ${size}`).join(", ");
  throw ConfigError.at(
    keys[largest[0]?.[0] ?? ""] ?? "vendor",
    `must be shorter: the settings of function ${name} need about ${bytes} bytes (${shares}), and Lambda takes ` +
      `${mostBytes}. Shorten what pools, capabilities and environment say, or make two stacks of it`,
  );
}

/** The text, with each expression filled up to its longest value. */
function expanded(value: string): string {
  return value.replaceAll(expression, (_, escaped: string | undefined, inner: string) =>
    escaped === undefined ? "x".repeat(lengths.find(([end]) => end.test(inner))?.[1] ?? 0) : `${escaped}{`,
  );
}
