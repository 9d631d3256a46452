import { setTimeout } from "node:timers/promises";
import type { Clock } from "../core/ports.ts";

/** The real time. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => setTimeout(milliseconds),
};
