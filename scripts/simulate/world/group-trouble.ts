import { goodLists, type ListTrouble } from "./list-trouble.ts";

/** What goes wrong, and how often: chances from 0 to 1. */
export interface GroupTrouble extends ListTrouble {
  readonly callFails: number;
  readonly noCapacity: number;
  readonly bootFails: number;
  readonly agentIsLate: number;
  /** An instance never passes EC2's status checks. */
  readonly impaired: number;
  /** Per minute: AWS takes an instance back, or has one replaced, which waits until it is idle. */
  readonly reclaims: number;
  readonly refreshes: number;
  readonly workflowDies: number;
  /** A notice of AWS or a word of an instance never arrives, arrives twice, or comes up to half an hour late. */
  readonly noticeLost: number;
  readonly noticeDoubled: number;
  readonly noticeLate: number;
  /** A look at AWS shows what was there up to a minute ago. */
  readonly staleAws: number;
  /** Share of the agents whose metadata at Spacelift name no machine. */
  readonly garbageMetadata: number;
}

/** Nothing goes wrong. */
export const calm: GroupTrouble = {
  ...goodLists,
  callFails: 0,
  noCapacity: 0,
  bootFails: 0,
  agentIsLate: 0,
  impaired: 0,
  reclaims: 0,
  refreshes: 0,
  workflowDies: 0,
  noticeLost: 0,
  noticeDoubled: 0,
  noticeLate: 0,
  staleAws: 0,
  garbageMetadata: 0,
};
