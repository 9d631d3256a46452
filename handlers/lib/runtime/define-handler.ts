import type { Context } from "aws-lambda";
import type * as z from "zod";
import type { Clock, Log, Metrics } from "../core/ports.ts";
import { systemClock } from "./clock.ts";
import { createLog } from "./logging.ts";
import { createMetrics } from "./metrics.ts";

/** What every handler gets besides its environment. */
interface Runtime {
  readonly log: Log;
  /** The metrics of one pool; without a name, of the whole fleet. */
  readonly metricsOf: (pool?: string) => Metrics;
  readonly clock: Clock;
  /** A deadline for calls: this long before Lambda stops the present invocation; `undefined` before the first one. */
  readonly deadline: (reserveMilliseconds: number) => () => Date | undefined;
}

/** A Lambda function in three parts: its environment, its dependencies and its work. */
export interface HandlerDefinition<Env, Deps, Event, Result> {
  /** Decodes the environment. May hold codecs such as `json()`. */
  readonly env: z.ZodType<Env>;
  /** Called once, at cold start. */
  build(env: Env, runtime: Runtime): Deps;
  handle(event: Event, deps: Deps): Promise<Result>;
}

/**
 * Makes a Lambda handler. It reads the environment and makes the dependencies at cold start. An invalid environment
 * throws an error that names variables but no values. Logs and rethrows errors of `handle`, so that the invocation
 * fails and the function's Errors metric counts.
 */
export function defineHandler<Env extends { readonly FLEET: string }, Deps, Event, Result>(
  definition: HandlerDefinition<Env, Deps, Event, Result>,
  environment: NodeJS.ProcessEnv = process.env,
): (event: Event, context: Context) => Promise<Result> {
  const env = decodeEnvironment(definition.env, environment);
  const log = createLog(env.FLEET);
  let endsAt: Date | undefined;
  const deps = definition.build(env, {
    log,
    metricsOf: (pool) => createMetrics({ Fleet: env.FLEET, ...(pool !== undefined && { Pool: pool }) }, log),
    clock: systemClock,
    deadline: (reserveMilliseconds) => () => endsAt && new Date(endsAt.getTime() - reserveMilliseconds),
  });

  return async (event, context) => {
    log.begin(context);
    endsAt = new Date(systemClock.now().getTime() + context.getRemainingTimeInMillis());
    try {
      return await definition.handle(event, deps);
    } catch (error) {
      log.error("the invocation failed", { error });
      throw error;
    }
  };
}

function decodeEnvironment<Env>(schema: z.ZodType<Env>, environment: NodeJS.ProcessEnv): Env {
  const decoded = schema.safeParse(environment);
  if (decoded.success) return decoded.data;
  const problems = decoded.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`The function's environment is invalid; deploy its stack again. ${problems.join("; ")}`);
}
