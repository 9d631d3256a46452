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

/** Where an error leads, by its name; whatever has none there is tried again first. */
export type Catchers = Readonly<Record<string, string>> & { readonly otherwise: string };

const awsSeconds = 60;

/** The first choice that fits, or the default. */
export function choice(Default: string, Choices: readonly State[]): State {
  return { Type: "Choice", Choices, Default };
}

/** Calls an AWS API, such as `aws-sdk:ecs:stopTask`. @param then where the answer goes, and what is next */
export function call(
  { partition }: { readonly partition: string },
  api: string,
  Parameters: State,
  then: State,
  catchers: Catchers,
): State {
  return task(`arn:${partition}:states:::${api}`, awsSeconds, Parameters, then, catchers);
}

/** Has something done: four times, with waits between, before an error leads anywhere. */
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
