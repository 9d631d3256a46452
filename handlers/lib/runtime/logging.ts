import { Logger } from "@aws-lambda-powertools/logger";
import type { Context } from "aws-lambda";
import type { Log } from "../core/ports.ts";

/** A log with the id of the present invocation. */
export interface InvocationLog extends Log {
  /** Adds the request id of `context` to all later lines. */
  begin(context: Context): void;
}

/**
 * JSON lines on standard output, by Powertools Logger, with `service` naming the fleet. Events are never logged. A field
 * `message`, such as AWS's own text about a failed launch, is written as `detail`: the line has a message already, and
 * the logger drops another one.
 */
export function createLog(fleet: string): InvocationLog {
  const logger = new Logger({ serviceName: fleet });
  return {
    begin: (context) => logger.addContext(context),
    info: (message, fields = {}) => logger.info(message, toFields(fields)),
    warn: (message, fields = {}) => logger.warn(message, toFields(fields)),
    error: (message, fields = {}) => logger.error(message, toFields(fields)),
  };
}

function toFields(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name === "message" ? "detail" : name,
      value instanceof Error ? describe(value) : value,
    ]),
  );
}

/** The safe and useful parts of an error. Errors of HTTP clients may contain whole requests with credentials. */
function describe(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const details = Object.entries(error).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return {
    ...Object.fromEntries(details),
    name,
    message,
    stack,
    ...(cause instanceof Error ? { cause: describe(cause) } : {}),
    ...(error instanceof AggregateError ? { errors: error.errors.filter(isError).map(describe) } : {}),
  };
}

function isError(value: unknown): value is Error {
  return value instanceof Error;
}
