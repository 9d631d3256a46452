import { following, type Patience } from "../lib/following.ts";
import type { Left, Look } from "./look.ts";

/** How the waiting ended. */
export type Ending = "drained" | "interrupted" | "timeout";

const pollMilliseconds = 5_000;
const shownChanges = 20;
/** AWS may show a machine late, so an empty fleet is looked at again. */
const emptyLooks = 2;

/**
 * Waits until no machine is left, and says in lines what changes.
 *
 * @param look throws if the drain has been ended
 * @returns how it ended, and the last look
 */
export async function followDrain(
  look: () => Promise<Look>,
  patience: Patience,
): Promise<{ readonly ending: Ending; readonly last: Look }> {
  const { say, pause } = following(patience, pollMilliseconds);
  const shown = new Map<string, string>();
  for (let empty = 0; ; ) {
    const last = await look();
    say(summaryOf(last));
    showChanges(last.left, shown, patience.step);
    empty = last.left.length === 0 && last.loopKnows ? empty + 1 : 0;
    if (empty >= emptyLooks) return { ending: "drained", last };
    const ending = await pause();
    if (ending) return { ending, last };
  }
}

function summaryOf({ left, loopKnows, loopLateSince }: Look): string {
  const counts = new Map<string, number>();
  for (const { state } of left) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const machines = left.length === 0 ? "no machine is left" : `${left.length} left: ${states}`;
  if (loopLateSince) {
    return `${machines}. The loop has not looked since ${loopLateSince.toISOString()}: see docs/runbook.md, loop-failing`;
  }
  return loopKnows ? machines : `${machines}. The loop has not looked yet`;
}

/** One line for each agent that is new here, or that waits for something else now. */
function showChanges(left: readonly Left[], shown: Map<string, string>, step: (message: string) => void): void {
  const changed = left.filter(({ machine, waits_for: wait }) => shown.get(machine) !== wait);
  shown.clear();
  for (const { machine, waits_for: wait } of left) shown.set(machine, wait);
  for (const { agent, state, waits_for: wait, advice } of changed.slice(0, shownChanges)) {
    step(`  ${agent} (${state}) waits for ${wait}.${advice ? ` ${advice}` : ""}`);
  }
  if (changed.length > shownChanges) step(`  and ${changed.length - shownChanges} more`);
}
