import { arrow, box, frame, picture } from "./svg.ts";

/** A fleet of EC2 instances: how they come, and how they leave. */
export function instances(): string {
  return picture(
    "A fleet on EC2 instances: the loop raises the group's desired capacity; an instance leaves by a workflow that drains " +
      "its agent at the vendor, waits until it is idle, and only then terminates it by name.",
    880,
    500,
    [
      frame("Vendor", [16, 16], [196, 468]),
      frame("Your AWS account: one stack", [250, 16], [614, 468]),
      box({ at: [34, 66], size: [160, 54], kind: "box", lines: ["API", "jobs and agents"] }),
      box({ at: [34, 208], size: [160, 64], kind: "box", lines: ["Job queue", "gives jobs to agents"] }),
      box({ at: [34, 394], size: [160, 54], kind: "box", lines: ["API", "drain, busy?, delete"] }),

      box({
        at: [300, 58],
        size: [150, 70],
        kind: "ours",
        lines: ["The loop", "observe, decide, act,", "look again"],
      }),
      box({
        at: [560, 66],
        size: [276, 54],
        kind: "ours",
        lines: ["Auto Scaling group", "all protected from scale-in"],
      }),
      box({ at: [560, 208], size: [128, 64], kind: "agent", lines: ["Agent", "an instance"] }),
      box({ at: [708, 208], size: [128, 64], kind: "agent", lines: ["Agent", "an instance"] }),
      box({ at: [560, 310], size: [276, 42], kind: "ours", lines: ["Release queue: notices, SQS"] }),
      box({
        at: [300, 386],
        size: [226, 70],
        kind: "ours",
        lines: ["Retirement workflow", "drain, wait until idle,", "deregister, terminate"],
      }),

      arrow(
        [
          [298, 93],
          [196, 93],
        ],
        "reads",
        [232, 87],
      ),
      arrow(
        [
          [450, 93],
          [558, 93],
        ],
        "orders",
        [504, 87],
      ),
      arrow(
        [
          [624, 120],
          [624, 206],
        ],
        "launches",
        [632, 166],
        "start",
      ),
      arrow(
        [
          [772, 120],
          [772, 206],
        ],
        "launches",
        [764, 166],
        "end",
      ),
      arrow(
        [
          [558, 240],
          [196, 240],
        ],
        "registers, takes jobs",
        [464, 234],
      ),
      arrow(
        [
          [624, 272],
          [624, 308],
        ],
        "left, or never came",
        [632, 295],
        "start",
      ),
      arrow(
        [
          [624, 352],
          [624, 408],
          [528, 408],
        ],
        "starts",
        [578, 402],
      ),
      arrow(
        [
          [375, 128],
          [375, 384],
        ],
        "starts: idle, outdated, too old",
        [384, 330],
        "start",
      ),
      arrow(
        [
          [298, 421],
          [196, 421],
        ],
        "asks",
        [228, 415],
      ),
      arrow(
        [
          [526, 438],
          [852, 438],
          [852, 240],
          [838, 240],
        ],
        "terminates by name, with decrement",
        [690, 430],
      ),
    ],
  );
}
