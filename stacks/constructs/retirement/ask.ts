import type { retirementSteps } from "../../../handlers/lib/core/retirement.ts";
import { type Catchers, type State, task } from "./states-language.ts";

/** What Step Functions takes to call a Lambda, beside the Lambda's own time. */
const callSeconds = 10;

/** The retire Lambda, as the workflow is to call it. */
export interface RetireFunction {
  readonly arn: string;
  /** How long it may run. */
  readonly timeoutSeconds: number;
}

/** Has the retire Lambda take a step. */
export function ask(
  { retireFunction }: { readonly retireFunction: RetireFunction },
  step: (typeof retirementSteps)[number],
  then: State,
  catchers: Catchers,
): State {
  const Parameters = { step, "agent.$": "$.agent", "reason.$": "$.reason" };
  return task(retireFunction.arn, retireFunction.timeoutSeconds + callSeconds, Parameters, then, catchers);
}
