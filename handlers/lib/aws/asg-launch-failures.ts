import type { FailedLaunch } from "./launch-failures.ts";

/** Failures that may concern only one zone or one of several instance types. */
const byZoneOrType = /availability zone|instance type|instances of type|currently not supported|InZone\b|architecture/i;

/**
 * The failures that count. A failure of one zone or type, or a temporary one, counts only until the next successful
 * launch.
 *
 * @param lastSuccess when the last launch succeeded; an invalid date if none has
 */
export function countingLaunches(failures: readonly FailedLaunch[], lastSuccess: Date): FailedLaunch[] {
  return failures.filter(
    ({ at, blocks, message }) => !(at <= lastSuccess && (blocks === "minutes" || byZoneOrType.test(message))),
  );
}

/** Whether a group refuses to shrink because it is at its minimum. */
export function isAtMinimum(error: unknown): boolean {
  return isValidationError(error, /min ?size/i);
}

/** Whether an instance does not, or no longer, belong to the group. */
export function isNoMember(error: unknown): boolean {
  return isValidationError(error, /not found|not part of/i);
}

function isValidationError(error: unknown, message: RegExp): boolean {
  return error instanceof Error && error.name === "ValidationError" && message.test(error.message);
}
