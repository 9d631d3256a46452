import type { RetireAnswers, RetirementInput } from "../../../handlers/lib/core/retirement.ts";

/** The data of an execution: its input, and one key for each result that its states add. */
interface Execution extends RetirementInput {
  readonly drain: RetireAnswers["drain"];
  readonly left: RetireAnswers["deregister"];
  /** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html */
  readonly look: {
    readonly AutoScalingInstances: readonly {
      readonly LifecycleState: string;
      readonly AutoScalingGroupName: string;
    }[];
  };
  /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
  readonly instance: {
    readonly Reservations: readonly { readonly Instances: readonly { readonly State: { readonly Name: string } }[] }[];
  };
  /** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html */
  readonly task: { readonly Tasks: readonly { readonly TaskDefinitionArn: string; readonly StartedBy: string }[] };
  readonly alert: string;
  /** The last error that was caught, by its name and text. */
  readonly error: { readonly Error: string; readonly Cause: string };
}

type PathsBelow<T> = T extends readonly (infer Item)[]
  ? "[0]" | `[0]${PathsBelow<Item>}`
  : T extends object
    ? { [Key in keyof T & string]-?: `.${Key}` | `.${Key}${PathsBelow<NonNullable<T[Key]>>}` }[keyof T & string]
    : never;

type ValueBelow<T, Path extends string> = Path extends `[0]${infer Rest}`
  ? T extends readonly (infer Item)[]
    ? ValueBelow<Item, Rest>
    : never
  : Path extends ""
    ? T
    : {
        [Key in keyof T & string]-?: Path extends `.${Key}`
          ? NonNullable<T[Key]>
          : Path extends `.${Key}${infer Rest extends `.${string}` | `[${string}`}`
            ? ValueBelow<NonNullable<T[Key]>, Rest>
            : never;
      }[keyof T & string];

/** A JSONPath into the data of an execution, such as `$.agent.name`. Other paths do not compile. */
export type ExecutionPath = `$${PathsBelow<Execution>}`;

type ValueAt<Path extends ExecutionPath> = Path extends `$${infer Below}` ? ValueBelow<Execution, Below> : never;

/** Where a state puts an answer. */
export type ResultPath = { [Key in keyof Execution]-?: `$.${Key}` }[keyof Execution];

/** The keys that hold an answer of this type. */
export type ResultPathOf<Answer> = {
  [Key in keyof Execution]-?: Execution[Key] extends Answer
    ? Answer extends Execution[Key]
      ? `$.${Key}`
      : never
    : never;
}[keyof Execution];

declare const built: unique symbol;
type Intrinsic = string & { readonly [built]: true };

/** The parameters of a call. Step Functions looks up the values of keys that end in `.$` when it makes the call. */
export interface Parameters {
  readonly [name: `${string}.$`]: ExecutionPath | "$$.Execution.Id" | Intrinsic;
  readonly [name: string]: unknown;
}

/** A text in which the value at the path replaces `{}`. @param text without quotes */
export function format(text: string, path: ExecutionPath): Intrinsic {
  return `States.Format('${text}', ${path})` as Intrinsic;
}

/** A list with the value at the path as its only item. */
export function listOf(path: ExecutionPath): Intrinsic {
  return `States.Array(${path})` as Intrinsic;
}

/** Whether the path has a value. */
export function isPresent(path: ExecutionPath) {
  return { Variable: path, IsPresent: true };
}

/** Whether the path has this value. A text or truth value that it cannot have does not compile. */
export function equals<Path extends ExecutionPath>(path: Path, value: ValueAt<Path> & (string | boolean)) {
  return typeof value === "boolean"
    ? { Variable: path, BooleanEquals: value }
    : { Variable: path, StringEquals: value };
}

/** Whether the text at the path has this form. @param pattern with `*` for any text */
export function matches<Path extends ExecutionPath>(
  path: ValueAt<Path> extends string ? Path : never,
  pattern: string,
) {
  return { Variable: path, StringMatches: pattern };
}

/** Whether the state was entered at the time at the path, or later. */
export function isPast(path: "$.deadline") {
  return { Variable: "$$.State.EnteredTime", TimestampGreaterThanEqualsPath: path satisfies ExecutionPath };
}
