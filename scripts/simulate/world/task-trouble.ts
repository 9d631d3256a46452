import { goodLists, type ListTrouble } from "./list-trouble.ts";

/** Faults, and how often they happen: chances from 0 to 1. */
export interface TaskTrouble extends ListTrouble {
  readonly callFails: number;
  readonly noCapacity: number;
  /** RunTask accepts a task, and ECS stops it before it runs. */
  readonly failsLate: number;
  readonly agentHangs: number;
  readonly agentCrashesAtBoot: number;
  readonly agentIsLate: number;
  readonly jobCrashesAgent: number;
  readonly workflowDies: number;
  /** A look at ECS shows what was there some seconds ago. */
  readonly staleAws: number;
}

/** Nothing goes wrong. */
export const noTrouble: TaskTrouble = {
  ...goodLists,
  callFails: 0,
  noCapacity: 0,
  failsLate: 0,
  agentHangs: 0,
  agentCrashesAtBoot: 0,
  agentIsLate: 0,
  jobCrashesAgent: 0,
  workflowDies: 0,
  staleAws: 0,
};
