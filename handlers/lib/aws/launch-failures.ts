import type { LaunchFailureKind } from "../core/ports.ts";

/** So long ago may a launch have failed that still counts. */
export const hourMilliseconds = 3_600_000;

/** Whether an exception means that nothing was done, as opposed to an answer that failed or never came. */
export function isRefusal(error: unknown): boolean {
  return (error as { $fault?: unknown }).$fault === "client";
}

/** Whether a message of AWS tells of a quota that is used up. */
export function isQuota(text: string): boolean {
  return /reached the limit on the number of/i.test(text);
}

/** Classifies an exception of what launches. What AWS refuses without naming a passing cause is a wrong setting. */
export function classifyLaunchError(error: unknown): LaunchFailureKind {
  const { name = "", message = "" } = error as { name?: string; message?: string };
  if (isQuota(message) || name === "LimitExceededException") return "quota";
  if (/capacity is unavailable/i.test(message)) return "capacity";
  if (/throttl|rate exceeded|toomanyrequests|requestlimit/i.test(`${name} ${message}`)) return "throttling";
  if (!isRefusal(error)) return "throttling";
  return "configuration";
}
