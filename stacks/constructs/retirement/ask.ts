import type { retirementSteps } from "../../../handlers/lib/core/retirement.ts";
import { type Catchers, type State, task } from "./states-language.ts";

/** Time that Step Functions takes to call a Lambda, in addition to the Lambda's own time. */
const callSeconds = 10;

/** The retire Lambda that the workflow calls. */
export interface RetireFunction {
  readonly arn: string;
  /** How long it may run. */
  readonly timeoutSeconds: number;
}

/** A state in which the retire Lambda takes a step. */
export function ask(
  { retireFunction }: { readonly retireFunction: RetireFunction },
  step: (typeof retirementSteps)[number],
  then: State,
  catchers: Catchers,
): State {
  const Parameters = { step, "agent.$": "$.agent", "reason.$": "$.reason" };
  return task(retireFunction.arn, retireFunction.timeoutSeconds + callSeconds, Parameters, then, catchers);
}
