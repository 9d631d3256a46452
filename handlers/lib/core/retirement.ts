import * as z from "zod";

/**
 * The steps that the retirement workflow calls for an agent. `forget` deletes the record of an agent whose machine is
 * gone, without asking whether it works.
 */
export const retirementSteps = ["drain", "undrain", "deregister", "forget"] as const;

/** The name of the error that reports to the workflow that the agent works after all. */
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
 * - `scale-in`: too many agents are idle. Only with this reason does a busy agent stay.
 * - `drained`: an earlier retirement stopped halfway.
 * - `offline`: the vendor lists it as not connected. `unseen`: only the machine itself can report whether it works.
 * - `surplus`: one floor agent too many, or the pool is to have none. `too-old`, `outdated`: its lifetime is over, its settings are old.
 * - `release`, `never-registered`: the machine itself reported that its agent has left or never registered.
 * - `terminating`, `spot-interruption`: AWS reclaims it.
 */
export type RetirementReason = z.output<typeof retirementReason>;

const lifecycleHook = z.object({ name: z.string(), group: z.string() }).readonly();

/**
 * The termination hook that holds an instance until the hook is completed. Heartbeat and completion need the instance's
 * id, but no token:
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
  /** The time when the retirement stops waiting, ISO 8601. */
  deadline: z.string(),
});

/** The input of a workflow execution. */
export type RetirementInput = z.output<typeof retirementInput>;

/** The workflow's call of the retire Lambda. */
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
