import type { Decision } from "../lib/core/model.ts";
import type { AutoscaleDeps } from "./deps.ts";

/** An image is a day old or more before anybody minds, so its date may be an hour old. */
const hour = 3600_000;

/**
 * Reads the date of the agents' image at most once an hour, in a look that neither launches nor retires anybody. A failure
 * leaves the date unknown until the next try, and stops nothing.
 */
export async function lookAtImage(
  { images, memory, clock, log }: Pick<AutoscaleDeps, "images" | "memory" | "clock" | "log">,
  { action }: Pick<Decision, "action">,
): Promise<void> {
  const now = clock.now();
  const isFresh = memory.image !== undefined && now.getTime() - memory.image.readAt.getTime() < hour;
  if (images === undefined || action !== "hold" || isFresh) return;
  try {
    memory.image = { readAt: now, builtAt: await images.oldest() };
  } catch (error) {
    memory.image = { readAt: now };
    log.warn("the date of the agents' image could not be read, so its age is not known", { error });
  }
}
