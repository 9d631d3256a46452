import { type LimitsOverride, longestLimitsSeconds } from "../../../handlers/lib/core/overrides.ts";
import { agentBuffer } from "../../../stacks/config/agents.ts";
import { secondsOf } from "./duration.ts";
import { UserError } from "./errors.ts";
import type { Limits, PoolInForce } from "./in-force.ts";

/** The options of `fleet limits`, as typed. */
export interface LimitOptions {
  readonly min?: string;
  readonly max?: string;
  readonly buffer?: string;
  readonly for?: string;
}

const defaultSeconds = 2 * 3600;

/** Limits as asked for, and for how long. */
export interface WantedLimits extends Partial<Limits> {
  readonly seconds: number;
}

/** Reads the options, which are wrong or right whatever holds. Throws {@link UserError}. */
export function wantedLimits(options: LimitOptions): WantedLimits {
  const wanted = {
    ...(options.min !== undefined && { min: agents("--min", options.min) }),
    ...(options.max !== undefined && { max: agents("--max", options.max) }),
    ...(options.buffer !== undefined && { buffer: bufferIn(options.buffer) }),
    seconds: options.for === undefined ? defaultSeconds : secondsOf("--for", options.for),
  };
  if (wanted.max !== undefined) checkOrder(wanted, wanted.max);
  return wanted;
}

/**
 * What is to hold for a pool: the wanted limits over what already holds for a while.
 *
 * @throws UserError if that is not within what the stack allows
 */
export function newLimits({ seconds, ...asked }: WantedLimits, pool: PoolInForce, now: Date): LimitsOverride {
  const { min, max, buffer } = pool.limits ?? {};
  const wanted = { min, max, buffer, ...asked };
  if (Object.values(wanted).every((value) => value === undefined)) {
    throw new UserError("No limit is given, and none holds for a while.", "Add --min, --max or --buffer.");
  }
  checkLimits(wanted, pool);
  return { ...wanted, until: new Date(now.getTime() + Math.min(seconds, longestLimitsSeconds) * 1000) };
}

function checkLimits({ min, max, buffer }: Partial<Limits>, { stack, lowest }: PoolInForce): void {
  const ceiling = max ?? stack.max;
  if (ceiling > stack.max) {
    throw refused(
      `--max ${ceiling} is more than the stack allows: its agents.max is ${stack.max}.`,
      "Raise agents.max in the config, and deploy.",
    );
  }
  checkOrder({ min, buffer }, ceiling);
  if (Math.min(min ?? ceiling, ceiling) < lowest) {
    throw refused(
      `The fleet's Auto Scaling group keeps ${lowest} instances by itself: agents.min of the stack.`,
      "Lower agents.min in the config, and deploy.",
    );
  }
}

function checkOrder({ min, buffer }: Partial<Limits>, ceiling: number): void {
  if (min !== undefined && min > ceiling) {
    throw refused(`min ${min} is more than max, which would be ${ceiling}.`, "Give both --min and --max.");
  }
  if (typeof buffer === "number" && buffer > ceiling) {
    throw refused(`buffer ${buffer} is more than max, which would be ${ceiling}.`, "Give both --buffer and --max.");
  }
}

function refused(message: string, hint: string): UserError {
  return new UserError(message, `${hint} Nothing was changed.`);
}

function agents(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 10_000) return Number(text);
  throw refused(`${option} ${JSON.stringify(text)} is no number of agents.`, "Give a whole number from 0 to 10000.");
}

function bufferIn(text: string): Limits["buffer"] {
  const { data } = agentBuffer.safeParse(/^\d+$/.test(text) ? Number(text) : text);
  if (data !== undefined) return data;
  throw refused(
    `--buffer ${JSON.stringify(text)} is no buffer.`,
    'Give a whole number from 0 to 10000, or a share of the jobs such as "20%".',
  );
}
