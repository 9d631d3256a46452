import { UserError } from "./errors.ts";

const units = { d: 86_400, h: 3600, m: 60 } as const;
const longestSeconds = 30 * units.d;

/** A length of time as people type it, such as `2h`, `90m` or `1d12h`, in seconds. Throws {@link UserError}. */
export function secondsOf(option: string, text: string): number {
  const [all, ...parts] = /^(?=.)(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?$/.exec(text) ?? [];
  const [days, hours, minutes] = parts.map((part) => Number(part ?? 0));
  const seconds = (days ?? 0) * units.d + (hours ?? 0) * units.h + (minutes ?? 0) * units.m;
  if (all !== undefined && seconds >= units.m && seconds <= longestSeconds) return seconds;
  throw new UserError(
    `${option} ${JSON.stringify(text)} is no length of time from one minute to 30 days.`,
    `Give days, hours and minutes, such as ${option} 2h, ${option} 90m or ${option} 1d12h. Nothing was changed.`,
  );
}
