import type { Statement } from "../statement.ts";
import type { ReleaseQueue } from "./release-queue.ts";

/** How the workflow ends agents that are ECS tasks. */
interface RetiringTasks {
  readonly type: "ecs";
  /** The cluster's ARN. */
  readonly cluster: string;
  /** ARN of the tasks in it. */
  readonly tasks: string;
  /** The condition that a policy sets on them, so that it allows the fleet's own tasks only. */
  readonly taskCondition: NonNullable<Statement["condition"]>;
  /** ARNs of the fleet's task definitions, with `*` for any revision. */
  readonly taskDefinitions: readonly string[];
}

/** How the workflow ends agents on instances of Auto Scaling groups. */
export interface RetiringInstances {
  readonly type: "asg";
  /** Its groups, at least one. */
  readonly groups: readonly { readonly name: string; readonly arn: string }[];
  /** Name of the termination hook of each group. */
  readonly hook: string;
  /** The role of the instances. */
  readonly instanceRole: { readonly arn: string };
  readonly releaseQueue: ReleaseQueue;
  /** Whether only the instances themselves know if an agent works. */
  readonly asksInstances: boolean;
}

/** The capacity whose agents a retirement workflow ends. */
export type RetiringCapacity = RetiringTasks | RetiringInstances;

/** The part of it that the workflow's definition needs. */
export type RetirementPlace =
  | Pick<RetiringTasks, "type" | "cluster" | "taskDefinitions">
  | Pick<RetiringInstances, "type" | "groups">;

/** The names of groups. */
export function namesOf(groups: RetiringInstances["groups"]): string[] {
  return groups.map(({ name }) => name);
}
