import { VendorApiError } from "../../handlers/lib/core/errors.ts";
import { calmQueue, type QueueTrouble } from "./loop/queue.ts";
import type { LaunchEnd } from "./world/asg-life.ts";
import type { EventClock } from "./world/event-clock.ts";
import { calm, type GroupTrouble } from "./world/group-trouble.ts";
import { noTrouble, type TaskTrouble } from "./world/task-trouble.ts";

/** By name: what goes wrong, as users read it. Shares and times are assumed. */
export const faults = {
  "api-down": "the vendor's API fails for 20 minutes, every four hours",
  "webhook-loss": "one wake-up in five is lost; with demand notifications, a notification",
  "webhook-double": "every wake-up or notification comes twice",
  "spot-reclaim": "AWS takes back an agent in twenty per hour, two minutes after a notice",
  "launch-refused": "AWS refuses one launch in five for want of capacity",
  "task-fails":
    "one task in ten ends right after its start; of a group, EC2 takes back one instance in ten at its launch",
  "slow-boot": "one agent in ten boots ten times as long",
  "never-registers": "one agent in twenty never registers",
  "hosts-full": "the EC2 hosts have no room for another task for 40 minutes, every four hours",
  "queue-trouble": "calls for the next look come up to 10 s late, one in ten never, one in ten twice; SQS refuses 2 %",
  "cold-start": "every invocation of the loop starts in a new container",
} as const;

/** A name of {@link faults}. */
export type Fault = keyof typeof faults;

/** Who is taken back by AWS, one by one. */
interface Haunted<Agent> {
  readonly living: readonly Agent[];
  reclaim(agent: Agent): void;
}

/** What goes wrong in a run. */
export interface Trouble {
  readonly tasks: TaskTrouble;
  readonly groups: GroupTrouble;
  /** How the launch of an instance ends that comes to nothing; `undefined`: it succeeds. */
  launchEnd(): LaunchEnd | undefined;
  /** Whether EC2 hosts have room for another task. Left out: always. */
  readonly roomOnHosts?: (() => boolean) | undefined;
  /** How often a wake-up arrives. */
  deliveries(): number;
  /** Ten times the time now and then. */
  bootFactor(): number;
  /** @throws {VendorApiError} while the vendor's API is down */
  askVendor(): void;
  readonly coldStarts: boolean;
  readonly queue: QueueTrouble;
  /** Begins what happens to agents by itself. */
  haunt<Agent>(world: Haunted<Agent>): void;
}

const fourHours = 4 * 3600;

/** @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html */
const takenBack: LaunchEnd = { StatusCode: "Cancelled", StatusMessage: "Client.InternalError: Client error on launch" };

/** The trouble of these faults. `random` is of its own, so that a fault changes nothing else. */
export function createTrouble(chosen: ReadonlySet<Fault>, clock: EventClock, random: () => number): Trouble {
  const chance = (probability: number) => random() < probability;
  const shareIn = (fault: Fault, probability: number) => (chosen.has(fault) ? probability : 0);
  /** The last so many seconds of every four hours. */
  const isIn = (fault: Fault, seconds: number) => chosen.has(fault) && clock.seconds % fourHours >= fourHours - seconds;
  return {
    tasks: {
      ...noTrouble,
      noCapacity: shareIn("launch-refused", 0.2),
      agentCrashesAtBoot: shareIn("task-fails", 0.1),
      agentHangs: shareIn("never-registers", 0.05),
    },
    groups: {
      ...calm,
      noCapacity: shareIn("launch-refused", 0.2),
      bootFails: shareIn("never-registers", 0.05),
    },
    launchEnd: () => (chance(shareIn("task-fails", 0.1)) ? takenBack : undefined),
    ...(chosen.has("hosts-full") && { roomOnHosts: () => !isIn("hosts-full", 2400) }),
    deliveries() {
      if (chance(shareIn("webhook-loss", 0.2))) return 0;
      return chosen.has("webhook-double") ? 2 : 1;
    },
    bootFactor: () => (chance(shareIn("slow-boot", 0.1)) ? 10 : 1),
    askVendor() {
      if (isIn("api-down", 1200)) throw new VendorApiError("unavailable", "the vendor's API is down");
    },
    coldStarts: chosen.has("cold-start"),
    queue: chosen.has("queue-trouble") ? { refused: 0.02, lost: 0.1, doubled: 0.1, latestSeconds: 10 } : calmQueue,
    haunt(world) {
      if (!chosen.has("spot-reclaim")) return;
      const everyMinute = () => {
        for (const agent of world.living) if (chance(1 / 20 / 60)) world.reclaim(agent);
        clock.after(60, everyMinute);
      };
      everyMinute();
    },
  };
}
