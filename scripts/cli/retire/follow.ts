import { following, type Patience } from "../lib/following.ts";
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
  patience: Patience,
): Promise<Ending> {
  const { say, pause } = following(patience, pollMilliseconds);
  for (let looks = 0; ; ) {
    const stage = await stageOf(execution);
    say(words[stage]);
    if (stage === "failed") return "failed";
    if (stage === "succeeded") {
      if (!(await isThere())) return "gone";
      looks += 1;
      if (looks > lookAgain) return "stays";
    }
    const ending = await pause();
    if (ending) return ending;
  }
}
