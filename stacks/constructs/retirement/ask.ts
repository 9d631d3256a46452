import type { RetireAnswers, RetirementEvent } from "../../../handlers/lib/core/retirement.ts";
import type { ResultPathOf } from "./execution.ts";
import { type Catchers, type State, type Then, task } from "./states-language.ts";

/** Time that Step Functions takes to call a Lambda, in addition to the Lambda's own time. */
const callSeconds = 10;

/** The retire Lambda that the workflow calls. */
export interface RetireFunction {
  readonly arn: string;
  /** How long it may run. */
  readonly timeoutSeconds: number;
}

/** The retire Lambda's event: the step, and the rest from the execution's input, each under its own name. */
type EventParameters = {
  readonly [Key in keyof RetirementEvent as Key extends "step" ? Key : `${Key}.$`]: Key extends "step"
    ? RetirementEvent[Key]
    : `$.${Key}`;
};

/** A state in which the retire Lambda takes a step. */
export function ask<Step extends RetirementEvent["step"], Name extends string>(
  { retireFunction }: { readonly retireFunction: RetireFunction },
  step: Step,
  then: Then<Name, ResultPathOf<RetireAnswers[Step]>>,
  catchers: Catchers<Name>,
): State<Name> {
  const parameters: EventParameters = { step, "agent.$": "$.agent", "reason.$": "$.reason" };
  return task(retireFunction.arn, retireFunction.timeoutSeconds + callSeconds, { ...parameters }, then, catchers);
}
