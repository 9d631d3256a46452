import type { Parameters, ResultPath } from "./execution.ts";

/** A rule of a choice, and where it leads. */
export type Choice<Name extends string> = Readonly<Record<string, unknown>> & { readonly Next: Name };

/** The place of a task's answer, and the next state. */
export interface Then<Name extends string, Result extends ResultPath = ResultPath> {
  /** `null`: nowhere. */
  readonly ResultPath: Result | null;
  readonly Next: Name;
}

/** One state in the Amazon States Language, JSONPath. @typeParam Name the states that it may lead to */
export interface State<Name extends string = string> {
  readonly Type: "Choice" | "Fail" | "Pass" | "Succeed" | "Task" | "Wait";
  readonly Next?: Name;
  readonly Default?: Name;
  readonly Choices?: readonly Choice<Name>[];
  readonly Catch?: readonly Choice<Name>[];
  readonly ResultPath?: ResultPath | null;
  readonly [field: string]: unknown;
}

/** A state for each of these names. @typeParam Reachable the states that they may lead to */
export type States<Own extends string = string, Reachable extends string = string> = {
  readonly [Name in Own]: State<Reachable>;
};

/** A workflow in the Amazon States Language, JSONPath. It has every state that one of its states leads to. */
export interface Definition<Name extends string = string> {
  readonly Comment: string;
  readonly StartAt: Name;
  readonly TimeoutSeconds: number;
  readonly States: States<Name, Name>;
}

/** The next state by the error's name. Errors without an entry are retried before `otherwise`. */
export type Catchers<Name extends string> = Readonly<Record<string, Name>> & { readonly otherwise: Name };

const awsSeconds = 60;

/** A state that goes to the first matching choice, or to the default. */
export function choice<Name extends string>(Default: Name, Choices: readonly Choice<Name>[]): State<Name> {
  return { Type: "Choice", Choices, Default };
}

/** A state that has the next one send this alert. */
export function say(text: string): State<"Alert"> {
  return { Type: "Pass", Result: text, ResultPath: "$.alert", Next: "Alert" };
}

/** A state that calls an AWS API, such as `aws-sdk:ecs:stopTask`. @param then result path and next state */
export function call<Name extends string>(
  { partition }: { readonly partition: string },
  api: string,
  parameters: Parameters,
  then: Then<Name>,
  catchers: Catchers<Name>,
): State<Name> {
  return task(`arn:${partition}:states:::${api}`, awsSeconds, parameters, then, catchers);
}

/** A task state. It tries four times, with pauses, before an error leads to another state. */
export function task<Name extends string>(
  Resource: string,
  TimeoutSeconds: number,
  Parameters: Parameters,
  then: Then<Name>,
  { otherwise, ...named }: Catchers<Name>,
): State<Name> {
  const caught = (ErrorEquals: readonly string[], Next: Name) => ({
    ErrorEquals,
    ResultPath: "$.error" satisfies ResultPath,
    Next,
  });
  const errors = Object.entries<Name>(named);
  return {
    Type: "Task",
    Resource,
    TimeoutSeconds,
    Parameters,
    ...then,
    Retry: [
      ...(errors.length > 0 ? [{ ErrorEquals: errors.map(([name]) => name), MaxAttempts: 0 }] : []),
      { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, JitterStrategy: "FULL" },
    ],
    Catch: [...errors.map(([name, next]) => caught([name], next)), caught(["States.ALL"], otherwise)],
  };
}
