import type { LaunchFailureKind } from "../core/ports.ts";
import { classifyLaunchError } from "./launch-failures.ts";

const kinds: readonly (readonly [LaunchFailureKind, RegExp])[] = [
  [
    "throttling",
    /throttl|RequestLimitExceeded|rate exceeded|Server\.InternalError|internal error|unavailable, please try/i,
  ],
  ["quota", /LimitExceeded|CountExceeded|you have requested more (vCPU|instances)|reached the limit/i],
  ["capacity", /capacity|SpotMaxPriceTooLow|SpotInstance(Termination|Shutdown)|spot interruption|free ?addresses/i],
];

/**
 * Why a launch of a group failed, by the message of its scaling activity. Lack of capacity and Spot's ways pass by; what
 * names no passing cause, such as an AMI or a key that is not there, is a wrong setting.
 */
export function classifyActivityMessage(message: string): LaunchFailureKind {
  return kinds.find(([, pattern]) => pattern.test(message))?.[0] ?? "configuration";
}

/** Classifies an exception of SetDesiredCapacity. */
export function classifyResizeError(error: unknown): LaunchFailureKind {
  const { name = "", message = "" } = error as { name?: string; message?: string };
  if (/^(ScalingActivityInProgress|ResourceContention)/.test(name)) return "throttling";
  if (/above max value/i.test(message)) return "quota";
  return classifyLaunchError(error);
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
