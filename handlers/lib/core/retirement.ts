import * as z from "zod";

/**
 * The questions that the retirement workflow asks about an agent, one at a time. `forget` deletes the record of an agent
 * whose machine is gone, and asks nobody whether it works.
 */
export const retirementSteps = ["drain", "undrain", "deregister", "forget"] as const;

/** The name of the error by which the workflow recognizes an agent that works after all, whatever was seen before. */
export const agentBusy = "AgentBusyError";

/** See {@link agentBusy}. */
export class AgentBusyError extends Error {
  override readonly name = agentBusy;
}

const retirementReason = z.enum([
  "scale-in",
  "drained",
  "offline",
  "unseen",
  "surplus",
  "too-old",
  "outdated",
  "release",
  "never-registered",
  "terminating",
  "spot-interruption",
]);

/**
 * Why an agent is retired.
 *
 * - `scale-in`: too many are idle. Only then may an agent stay that turns out to be busy.
 * - `drained`: an earlier retirement stopped halfway.
 * - `offline`: the vendor lists it as not connected. `unseen`: only the machine itself can say whether it works.
 * - `surplus`: an agent of the floor too many. `too-old`, `outdated`: its lifetime is over, its settings are old.
 * - `release`, `never-registered`: the machine itself said that it lets go.
 * - `terminating`, `spot-interruption`: AWS takes it.
 */
export type RetirementReason = z.output<typeof retirementReason>;

const lifecycleHook = z.object({ name: z.string(), group: z.string() }).readonly();

/**
 * The termination hook that holds an instance until it is completed. Heartbeat and completion need no token beside the
 * instance's id:
 * https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
 */
export type LifecycleHook = z.output<typeof lifecycleHook>;

const retirementInput = z.object({
  agent: z.object({
    name: z.string(),
    capacityId: z.string(),
    vendorId: z.string().optional(),
    pool: z.string().optional(),
  }),
  reason: retirementReason,
  hook: lifecycleHook.optional(),
  /** ISO 8601: nothing is waited for any longer then. */
  deadline: z.string(),
});

/** An execution of the workflow is started with this. */
export type RetirementInput = z.output<typeof retirementInput>;

/** The workflow calls the retire Lambda with this. */
export const retirementEvent = retirementInput
  .pick({ agent: true, reason: true })
  .extend({ step: z.enum(retirementSteps) });

/** See {@link retirementEvent}. */
export type RetirementEvent = z.output<typeof retirementEvent>;

/**
 * The retire Lambda's answer to each step: whether the agent works, or whether another one takes its place at once.
 * `stays`: the reason of its retirement holds no longer, and it was not drained.
 */
export interface RetireAnswers {
  readonly drain: { readonly state: "idle" | "busy" | "gone" | "stays" };
  readonly undrain: { readonly state: "busy" };
  readonly deregister: { readonly replace: boolean };
  readonly forget: { readonly replace: boolean };
}
