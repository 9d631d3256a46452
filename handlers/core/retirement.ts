import * as z from "zod";
import type { RetirementReason } from "./ports.ts";

/** What the retirement workflow asks the vendor for, one at a time. */
export const retirementSteps = ["drain", "undrain", "deregister"] as const;

/** The name of the error by which the workflow knows an agent that works after all, whatever was seen before. */
export const agentBusy = "AgentBusyError";

/** See {@link agentBusy}. */
export class AgentBusyError extends Error {
  override readonly name = agentBusy;
}

const reasons = [
  "scale-in",
  "stranded",
  "dismissed",
  "release",
  "terminating",
  "spot-interruption",
  "rebalance",
] as const satisfies readonly RetirementReason[];

/** What the workflow calls the retire Lambda with. */
export const retirementEvent = z.object({
  step: z.enum(retirementSteps),
  agent: z.object({
    name: z.string(),
    capacityId: z.string(),
    vendorId: z.string().optional(),
    pool: z.string().optional(),
  }),
  reason: z.enum(reasons),
});
