import { arrow, box, frame, picture } from "./svg.ts";

/** A fleet of ECS tasks: who calls whom. */
export function tasks(): string {
  return picture(
    "A fleet on ECS tasks: the vendor's webhook and a schedule wake the loop; the loop reads the vendor and starts tasks; " +
      "each task is one agent, which takes jobs from the vendor.",
    880,
    440,
    [
      frame("Vendor", [16, 16], [196, 408]),
      frame("Your AWS account: one stack", [250, 16], [614, 408]),
      box({ at: [34, 58], size: [160, 54], kind: "box", lines: ["Webhook", "a job was queued"] }),
      box({ at: [34, 176], size: [160, 54], kind: "box", lines: ["API", "jobs and agents"] }),
      box({ at: [34, 330], size: [160, 64], kind: "box", lines: ["Agent pool", "gives jobs to agents"] }),

      box({ at: [282, 58], size: [156, 54], kind: "ours", lines: ["API Gateway", "webhook function"] }),
      box({ at: [672, 58], size: [164, 54], kind: "ours", lines: ["Schedule and queue", "the next look"] }),
      box({ at: [482, 168], size: [146, 70], kind: "ours", lines: ["The loop", "observe, decide,", "act"] }),
      box({ at: [672, 140], size: [164, 54], kind: "ours", lines: ["DynamoDB table", "lease and notebook"] }),
      box({ at: [672, 212], size: [164, 54], kind: "ours", lines: ["CloudWatch", "dashboard, alarms"] }),
      box({ at: [282, 246], size: [156, 54], kind: "ours", lines: ["Secrets Manager", "tokens, never in state"] }),

      box({ at: [482, 330], size: [104, 64], kind: "agent", lines: ["Agent", "an ECS task"] }),
      box({ at: [607, 330], size: [104, 64], kind: "agent", lines: ["Agent", "an ECS task"] }),
      box({ at: [732, 330], size: [104, 64], kind: "agent", lines: ["Agent", "an ECS task"] }),

      arrow(
        [
          [194, 85],
          [280, 85],
        ],
        "signed",
        [237, 79],
      ),
      arrow(
        [
          [438, 85],
          [530, 85],
          [530, 166],
        ],
        "wakes",
        [484, 79],
      ),
      arrow(
        [
          [670, 85],
          [580, 85],
          [580, 166],
        ],
        "wakes",
        [626, 79],
      ),
      arrow(
        [
          [480, 203],
          [196, 203],
        ],
        "reads",
        [360, 197],
      ),
      arrow([
        [628, 186],
        [650, 186],
        [650, 167],
        [670, 167],
      ]),
      arrow([
        [628, 220],
        [650, 220],
        [650, 239],
        [670, 239],
      ]),
      arrow([
        [555, 238],
        [555, 284],
        [534, 284],
        [534, 328],
      ]),
      arrow(
        [
          [555, 284],
          [659, 284],
          [659, 328],
        ],
        "RunTask for each",
        [563, 277],
        "start",
      ),
      arrow([
        [659, 284],
        [784, 284],
        [784, 328],
      ]),
      arrow(
        [
          [360, 300],
          [360, 346],
          [480, 346],
        ],
        "read at start",
        [366, 340],
        "start",
      ),
      arrow(
        [
          [480, 376],
          [196, 376],
        ],
        "registers, takes jobs, leaves",
        [350, 394],
      ),
    ],
  );
}
