import type { ReleaseQueue } from "./release-queue.ts";

/** Agents as ECS tasks, as far as it matters to how they end. */
interface RetiringTasks {
  readonly type: "ecs";
  /** The cluster's ARN. */
  readonly cluster: string;
  /** ARN of the tasks in it. */
  readonly tasks: string;
}

/** Agents as instances of an Auto Scaling group, as far as it matters to how they end. */
export interface RetiringInstances {
  readonly type: "asg";
  /** The group's name. */
  readonly group: string;
  readonly groupArn: string;
  /** Name of the termination hook. */
  readonly hook: string;
  /** The role of the instances. */
  readonly instanceRole: { readonly arn: string };
  readonly releaseQueue: ReleaseQueue;
  /** Whether only the instances themselves tell what an agent does. */
  readonly asksInstances: boolean;
}

/** Where agents run, as the retirement workflow is to know and end them. */
export type RetiringCapacity = RetiringTasks | RetiringInstances;

/** What its definition has to know of it. */
export type RetirementPlace = Pick<RetiringTasks, "type" | "cluster"> | Pick<RetiringInstances, "type" | "group">;
