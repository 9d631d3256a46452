import { once } from "node:events";
import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** How a person waits for something: until when, where its steps are printed, and whether Ctrl-C was pressed. */
export interface Patience {
  readonly clock: Clock;
  readonly timeoutSeconds: number;
  readonly step: (message: string) => void;
  readonly interrupted: AbortSignal;
}

/** See {@link following}. */
interface Following {
  /** Prints a line that differs from the last one. */
  say(line: string): void;
  /** Waits for the next look. Resolves to why there is none; `undefined`: look again. */
  pause(): Promise<"timeout" | "interrupted" | undefined>;
}

/** For loops that look at something again and again until it is done. The time begins now. */
export function following({ clock, timeoutSeconds, step, interrupted }: Patience, pollMilliseconds: number): Following {
  const end = clock.now().getTime() + timeoutSeconds * 1000;
  const interruption = once(interrupted, "abort");
  let said = "";
  return {
    say(line) {
      if (line !== said) step(line);
      said = line;
    },
    async pause() {
      if (clock.now().getTime() + pollMilliseconds > end) return "timeout";
      await Promise.race([clock.sleep(pollMilliseconds), interruption]);
      return interrupted.aborted ? "interrupted" : undefined;
    },
  };
}
