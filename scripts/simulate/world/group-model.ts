import type { Task } from "@aws-sdk/client-ecs";
import type { BootTimes } from "../../../stacks/config/boot-times.ts";
import type { FakeInstance } from "./asg.ts";
import type { Job, SeenAgent, WorldEvent } from "./model.ts";

/** What kind of world it is. Times in seconds. */
export interface GroupWorldSettings {
  readonly min: number;
  readonly max: number;
  /** Instances when Terraform creates the group. Left out: `min`. */
  readonly initial?: number | undefined;
  /** Whether the vendor shows its agents and drains them, or shows jobs only and its agents leave by themselves. */
  readonly departure: "by-retirement" | "by-itself";
  readonly singleUse: boolean;
  readonly idleTimeoutSeconds: number;
  /** When hosts power themselves off; see `power_off` in agents/ec2/life.sh. */
  readonly boots: BootTimes;
  /** A second group, `ci-on-demand`, takes over where Spot has no capacity: that of `trouble` is Spot's alone. */
  readonly spotFallback?: boolean;
  /** From the order of an instance until its agent takes jobs. Left out: 23 to 165 seconds. */
  readonly bootSeconds?: () => number;
  /** The slowest answer of AWS and the vendor, in milliseconds. Left out: 500. */
  readonly slowestCallMs?: number;
  /** Is told of all that happens. Left out: nobody looks, and AWS keeps all calls for the test to look at. */
  readonly observe?: (event: WorldEvent<SeenAgent>) => void;
}

/** An agent and the instance that it is on. */
export interface GroupAgent {
  readonly instance: FakeInstance;
  /** Names the instance in events. */
  readonly task: Task;
  state: "unregistered" | "idle" | "busy" | "gone";
  locked: boolean;
  /** From 0 to 1: its metadata name no machine while the share of such agents is higher. */
  readonly garbled: number;
  /** The vendor has lost its record, as long as that happens at all. */
  recordLost: boolean;
  jobsTaken: number;
  job?: Job | undefined;
}
