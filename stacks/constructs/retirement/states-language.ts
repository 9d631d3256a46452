/** One state in the Amazon States Language, JSONPath. */
export type State = Readonly<Record<string, unknown>>;
/** States by their names. */
export type States = Readonly<Record<string, State>>;

/** A workflow in the Amazon States Language, JSONPath. */
export interface Definition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  readonly States: States;
}

/** The next state by the error's name. Errors without an entry are retried before `otherwise`. */
export type Catchers = Readonly<Record<string, string>> & { readonly otherwise: string };

const awsSeconds = 60;

/** A state that goes to the first matching choice, or to the default. */
export function choice(Default: string, Choices: readonly State[]): State {
  return { Type: "Choice", Choices, Default };
}

/** A state that calls an AWS API, such as `aws-sdk:ecs:stopTask`. @param then result path and next state */
export function call(
  { partition }: { readonly partition: string },
  api: string,
  Parameters: State,
  then: State,
  catchers: Catchers,
): State {
  return task(`arn:${partition}:states:::${api}`, awsSeconds, Parameters, then, catchers);
}

/** A task state. It tries four times, with pauses, before an error leads to another state. */
export function task(
  Resource: string,
  TimeoutSeconds: number,
  Parameters: State,
  then: State,
  { otherwise, ...named }: Catchers,
): State {
  const names = Object.keys(named);
  const caught = (ErrorEquals: readonly string[], Next: string | undefined) => ({
    ErrorEquals,
    ResultPath: "$.error",
    Next,
  });
  return {
    Type: "Task",
    Resource,
    TimeoutSeconds,
    Parameters,
    ...then,
    Retry: [
      ...(names.length > 0 ? [{ ErrorEquals: names, MaxAttempts: 0 }] : []),
      { ErrorEquals: ["States.ALL"], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, JitterStrategy: "FULL" },
    ],
    Catch: [...names.map((name) => caught([name], named[name])), caught(["States.ALL"], otherwise)],
  };
}
