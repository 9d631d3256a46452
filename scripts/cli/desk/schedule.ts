import * as z from "zod";
import type { DeskClients } from "./clients.ts";

/** The rule that runs the loop every minute. */
export interface Schedule {
  readonly rule: string;
  readonly state: "enabled" | "disabled" | "missing";
  /** Whether it calls the loop. */
  readonly callsLoop: boolean;
}

const ruleAnswer = z.object({ State: z.string() });
const targetsAnswer = z.object({ Targets: z.array(z.object({ Arn: z.string() })).default([]) });

/** Reads the rule and its targets. Throws AWS's errors. */
export async function readSchedule(stack: string, call: DeskClients["call"]): Promise<Schedule> {
  const rule = `${stack}-every-minute`;
  try {
    const { State } = ruleAnswer.parse(JSON.parse(await call("events", "DescribeRule", { Name: rule })));
    const { Targets } = targetsAnswer.parse(JSON.parse(await call("events", "ListTargetsByRule", { Rule: rule })));
    const callsLoop = Targets.some(({ Arn }) => Arn.endsWith(`:function:${stack}-autoscale`));
    return { rule, state: State === "DISABLED" ? "disabled" : "enabled", callsLoop };
  } catch (error) {
    if (error instanceof Error && error.name === "ResourceNotFoundException") {
      return { rule, state: "missing", callsLoop: false };
    }
    throw error;
  }
}
