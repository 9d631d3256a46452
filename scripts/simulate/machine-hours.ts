import type { EventClock } from "./world/event-clock.ts";
import type { SeenAgent, WorldEvent } from "./world/model.ts";

/** The hours of the machines of one world, from launch to end, whatever they do: AWS bills them. */
export interface MachineHours {
  observe(event: WorldEvent<SeenAgent>): void;
  /** Up to now. */
  hours(): number;
}

/** See {@link MachineHours}. */
export function createMachineHours(clock: EventClock): MachineHours {
  let count = 0;
  let since = clock.seconds;
  let seconds = 0;
  const change = (by: number) => {
    seconds += count * (clock.seconds - since);
    since = clock.seconds;
    count += by;
  };
  return {
    observe({ type }) {
      if (type === "launched") change(1);
      else if (type === "stopped") change(-1);
    },
    hours() {
      change(0);
      return seconds / 3600;
    },
  };
}
