import { arrow, box, label, type Part, type Point, picture } from "./svg.ts";

const lanes = ["Vendor", "Loop", "AWS", "Agent"] as const;
const top = 58;
const step = 76;
const height = 50;

const yOf = (lane: (typeof lanes)[number]) => top + lanes.indexOf(lane) * step;
const middleOf = (lane: (typeof lanes)[number]) => yOf(lane) + height / 2;

/** One job from its queue to the end of its agent, by who acts. Time runs to the right, without a scale. */
export function job(): string {
  const stage = (lane: (typeof lanes)[number], from: number, to: number, lines: readonly string[]): Part =>
    box({ at: [from, yOf(lane)], size: [to - from, height], kind: kindOf(lane), lines });
  const down = (x: number, from: (typeof lanes)[number], to: (typeof lanes)[number]): Part => {
    const ends: readonly Point[] =
      yOf(from) < yOf(to)
        ? [
            [x, yOf(from) + height],
            [x, yOf(to) - 2],
          ]
        : [
            [x, yOf(from)],
            [x, yOf(to) + height + 2],
          ];
    return arrow(ends);
  };
  return picture(
    "Timeline of one job: it queues at the vendor, the loop orders an agent, AWS places it, the agent registers, works and leaves.",
    880,
    400,
    [
      label("One job, from the queue to the end of its agent", [16, 32], "name", "start"),
      label("time →", [864, 32], "note", "end"),
      ...lanes.map((lane) => label(lane, [16, middleOf(lane) + 4], "name", "start")),
      stage("Vendor", 84, 392, ["The job waits", "its age is the metric of the queue's wait"]),
      stage("Vendor", 396, 640, ["The job runs", "as long as it takes"]),
      stage("Loop", 108, 242, ["Decides", "1 wanted, 0 there"]),
      stage("Loop", 690, 864, ["Sees it gone", "removes the record"]),
      stage("AWS", 172, 330, ["Places it", "a task, an instance"]),
      stage("Agent", 254, 392, ["Boots, registers", "as starting"]),
      stage("Agent", 396, 640, ["Works", "busy: the fleet never stops it"]),
      stage("Agent", 644, 780, ["Leaves", "once it is idle"]),
      down(118, "Vendor", "Loop"),
      down(182, "Loop", "AWS"),
      down(264, "AWS", "Agent"),
      arrow([
        [386, yOf("Agent")],
        [386, yOf("Vendor") + height + 2],
      ]),
      arrow([
        [730, yOf("Agent")],
        [730, yOf("Loop") + height + 2],
      ]),
      label("webhook, or the next look", [126, 124], "note", "start"),
      label("asks for a job", [394, 196], "note", "start"),
      label(
        "Single-use agents leave after the job; others after their idle time, or when they are retired.",
        [84, 382],
        "note",
        "start",
      ),
    ],
  );
}

function kindOf(lane: (typeof lanes)[number]): "box" | "ours" | "agent" {
  if (lane === "Agent") return "agent";
  return lane === "Loop" ? "ours" : "box";
}
