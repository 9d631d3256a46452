import type { CommonConfig } from "./common.ts";
import { isBelow, type Version, versionRange } from "./version-range.ts";

/**
 * Lambda runtimes that a fleet's functions may have, oldest first. AWS supports nodejs22.x until 2027-04-30 and
 * nodejs24.x until 2028-04-30. Source: AWS, Lambda Developer Guide, "Lambda runtimes".
 */
export const lambdaRuntimes = ["nodejs22.x", "nodejs24.x"] as const;

/** See {@link lambdaRuntimes}. */
export type LambdaRuntime = (typeof lambdaRuntimes)[number];

/**
 * The first AWS provider that was seen to take nodejs24.x. Providers check runtimes against a list of their own, and
 * 5.100.0 refuses nodejs24.x. Source: hashicorp/terraform-provider-aws, issue 44986 and pull request 45024.
 */
const firstProviderWithNode24: Version = [6, 19, 0];

/** esbuild's target for code that runs on each of {@link lambdaRuntimes}. */
export const lambdaTarget = lambdaRuntimes[0].replace(/^nodejs(\d+)\.x$/, "node$1");

type Settings = Pick<CommonConfig, "providers"> & {
  readonly loop?: { readonly runtime?: LambdaRuntime | undefined };
};

/** The runtime of a stack's functions: the given one, else the newest that every allowed AWS provider takes. */
export function lambdaRuntimeOf({ providers, loop }: Settings): LambdaRuntime {
  if (loop?.runtime) return loop.runtime;
  if (providers.aws === undefined) return "nodejs24.x";
  const { from } = versionRange(providers.aws);
  return from && !isBelow(from, firstProviderWithNode24) ? "nodejs24.x" : "nodejs22.x";
}

/** Why a stack cannot have the runtime of its config, as "must …", or `undefined`. */
export function explainRuntime({ providers, loop }: Settings): string | undefined {
  if (loop?.runtime !== "nodejs24.x" || providers.aws === undefined) return undefined;
  const { below } = versionRange(providers.aws);
  return below && !isBelow(firstProviderWithNode24, below)
    ? `must be nodejs22.x: AWS provider ${providers.aws} does not know nodejs24.x, which takes ${firstProviderWithNode24.join(".")} or later`
    : undefined;
}
