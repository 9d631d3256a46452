import type { Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../../../handlers/lib/core/model.ts";
import type { VendorAgent } from "../../../handlers/lib/core/ports.ts";

/** The settings of a world. Times in seconds, chances from 0 to 1. */
export interface WorldSettings {
  /** Part of the ARNs of its tasks. Left out: `ci`. */
  readonly name?: string;
  readonly max: number;
  readonly singleUse: boolean;
  /** `by-retirement`: the loop retires idle agents, as those of Azure DevOps. Left out: they leave by themselves. */
  readonly departure?: "by-itself" | "by-retirement";
  /** Whether the vendor shows its agents. If not, it shows jobs only. */
  readonly showsAgents: boolean;
  /** Whether the vendor keeps records of agents that left until someone deletes them. */
  readonly keepsRecords: boolean;
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** After it an entry point ends an agent that has not registered. */
  readonly registrationGraceSeconds: number;
  /** How long after its launch ECS first lists a task: at least and at most. */
  readonly listingLagSeconds: readonly [number, number];
  /** From the launch of an agent until it takes jobs. Left out: 16 to 74 seconds. */
  readonly bootSeconds?: () => number;
  /** The slowest answer of ECS and the vendor, in milliseconds. Left out: 600. */
  readonly slowestCallMs?: number;
  /** Is told of all that happens. */
  readonly observe?: (event: WorldEvent) => void;
  /** Tasks run on EC2 hosts of a capacity provider that has grown as far as it may, not on Fargate. */
  readonly hosts?: {
    readonly places: number;
    /** Left out: that of `bootSeconds`. */
    readonly bootSeconds?: number;
    /** Whether they take another task now. Left out: as long as there are places. */
    readonly hasRoom?: () => boolean;
  };
}

/** Like a run that is planned and then applied: stage after stage, each on any agent, with no pause in between. */
export interface Job {
  readonly queuedAt: Date;
  readonly stageSeconds: readonly number[];
  stagesDone: number;
}

/** An agent and the task that it is in. */
export interface WorldAgent {
  readonly id: string;
  readonly name: string;
  readonly role: AgentRole;
  readonly task: Task;
  state: VendorAgent["state"] | "unregistered";
  toldToLeave: boolean;
  /** It gets no job. */
  locked: boolean;
  /** The vendor has lost its record, as long as that happens at all. */
  recordLost: boolean;
  jobsBefore: number;
  job?: Job | undefined;
}

/** An agent as all worlds show it in events. Its task stands for its machine, whatever it runs on. */
export type SeenAgent = Pick<WorldAgent, "task" | "state" | "job">;

/** What happens in a world. */
export type WorldEvent<Agent extends SeenAgent = WorldAgent> =
  /** A call of `to` by the loop or the workflow. */
  | { readonly type: "called"; readonly to: "aws" | "vendor" }
  | { readonly type: "queued"; readonly job: Job }
  | { readonly type: "launched"; readonly task: Task }
  /** An agent boots, has registered, has a job, is without one, or is gone while its task still ends. */
  | { readonly type: "agent"; readonly agent: Agent }
  /** `done`: the job or its stage is complete; `ended`: we took its agent; `lost`: its agent died by itself. */
  | { readonly type: "job-left"; readonly job: Job; readonly how: "done" | "ended" | "lost" }
  /** ECS has noticed the end of its container, or stops it. */
  | { readonly type: "stopping"; readonly task: Task }
  | { readonly type: "stopped"; readonly task: Task };
