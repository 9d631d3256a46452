import * as z from "zod";

/** What the retirement workflow asks the vendor for, one at a time. */
export const retirementSteps = ["drain", "undrain", "deregister"] as const;

/** The name of the error by which the workflow knows an agent that works after all, whatever was seen before. */
export const agentBusy = "AgentBusyError";

/** See {@link agentBusy}. */
export class AgentBusyError extends Error {
  override readonly name = agentBusy;
}

const retirementReason = z.enum([
  "scale-in",
  "stranded",
  "dismissed",
  "release",
  "terminating",
  "spot-interruption",
  "rebalance",
]);

/**
 * Why an agent is retired. By `scale-in` it may stay if it turns out to be busy; `stranded` finishes a retirement that was
 * left halfway, `dismissed` ends one that nothing else would. In all other cases AWS or the agent itself has decided that
 * it goes.
 */
export type RetirementReason = z.output<typeof retirementReason>;

const lifecycleHook = z.object({ name: z.string(), group: z.string(), token: z.string() }).readonly();

/** The termination hook that holds an instance until it is completed. */
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

/** What an execution of the workflow is started with. */
export type RetirementInput = z.output<typeof retirementInput>;

/** What the workflow calls the retire Lambda with. */
export const retirementEvent = retirementInput
  .pick({ agent: true, reason: true })
  .extend({ step: z.enum(retirementSteps) });

/** See {@link retirementEvent}. */
export type RetirementEvent = z.output<typeof retirementEvent>;

/** What the retire Lambda answers to each step: what the agent does, or whether another one is to take its place at once. */
export interface RetireAnswers {
  readonly drain: { readonly state: "idle" | "busy" | "gone" };
  readonly undrain: { readonly state: "busy" };
  readonly deregister: { readonly replace: boolean };
}
