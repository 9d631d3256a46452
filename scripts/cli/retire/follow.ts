import { once } from "node:events";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import type { Stage, Workflow } from "./workflow.ts";

/** How the waiting ended. `stays`: the retirement is over, and AWS still shows the machine. */
export type Ending = "gone" | "stays" | "failed" | "interrupted" | "timeout";

const pollMilliseconds = 5_000;
/** AWS may show for a while a machine that was ended. */
const lookAgain = 12;

const words: Readonly<Record<Stage, string>> = {
  begins: "locks the agent against new jobs, and asks whether it works",
  busy: "it has a job, and takes no other: waits until it is done",
  failing: "the vendor or AWS does not answer: tries again",
  ends: "it has no job: its machine is ended",
  succeeded: "the retirement is over",
  failed: "the retirement has failed",
};

/** Waits for the end of a retirement, and says in lines how it stands. @param isThere whether AWS shows the machine */
export async function followRetirement(
  { stageOf }: Pick<Workflow, "stageOf">,
  execution: string,
  isThere: () => Promise<boolean>,
  {
    clock,
    timeoutSeconds,
    step,
    interrupted,
  }: {
    readonly clock: Clock;
    readonly timeoutSeconds: number;
    readonly step: (message: string) => void;
    readonly interrupted: AbortSignal;
  },
): Promise<Ending> {
  const end = clock.now().getTime() + timeoutSeconds * 1000;
  const interruption = once(interrupted, "abort");
  let shown = "";
  for (let looks = 0; ; ) {
    const stage = await stageOf(execution);
    if (words[stage] !== shown) step(words[stage]);
    shown = words[stage];
    if (stage === "failed") return "failed";
    if (stage === "succeeded") {
      if (!(await isThere())) return "gone";
      looks += 1;
      if (looks > lookAgain) return "stays";
    }
    if (clock.now().getTime() + pollMilliseconds > end) return "timeout";
    await Promise.race([clock.sleep(pollMilliseconds), interruption]);
    if (interrupted.aborted) return "interrupted";
  }
}
