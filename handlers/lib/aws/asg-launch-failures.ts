import type { FailedLaunch } from "./launch-failures.ts";

/** What may be wrong in one zone, or with one of several types, only. */
const byZoneOrType = /availability zone|instance type|instances of type|currently not supported|InZone\b|architecture/i;

/**
 * The failures that count. What holds for one zone or one type, and what passes, counts only while nothing else has been
 * launched since.
 *
 * @param lastSuccess when the last launch succeeded; an invalid date where none has
 */
export function countingLaunches(failures: readonly FailedLaunch[], lastSuccess: Date): FailedLaunch[] {
  return failures.filter(
    ({ at, blocks, message }) => !(at <= lastSuccess && (blocks === "minutes" || byZoneOrType.test(message))),
  );
}

/** Whether a group refuses to get smaller because it is at its minimum. */
export function isAtMinimum(error: unknown): boolean {
  return isValidationError(error, /min ?size/i);
}

/** Whether an instance is not, or no longer, one of the group. */
export function isNoMember(error: unknown): boolean {
  return isValidationError(error, /not found|not part of/i);
}

function isValidationError(error: unknown, message: RegExp): boolean {
  return error instanceof Error && error.name === "ValidationError" && message.test(error.message);
}
