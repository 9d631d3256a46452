import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  paginateListExecutions,
  type SFNClient,
} from "@aws-sdk/client-sfn";
import * as z from "zod";

/** A retirement under way. */
export interface Retirement {
  readonly execution: string;
  readonly agent: string;
  readonly reason: string;
  readonly since: Date;
  /** When it stops waiting. `undefined`: its input does not say. */
  readonly deadline: Date | undefined;
  /** The state of the workflow that it is in. */
  readonly state: string;
  /** Whether its last call failed. */
  readonly failing: boolean;
  /** In words. */
  readonly waitsFor: string;
}

/** A retirement that ended without a result. */
export interface FailedRetirement {
  readonly execution: string;
  readonly agent: string;
  readonly status: string;
  readonly at: Date;
  readonly cause: string;
}

/** The retirements of a fleet. */
export interface Retirements {
  readonly running: readonly Retirement[];
  /** How many more run than {@link running} shows. */
  readonly more: number;
  /** Of the last hour. */
  readonly failed: readonly FailedRetirement[];
}

/** The rights that {@link readRetirements} needs. */
export const retirementRights = ["states:ListExecutions", "states:DescribeExecution", "states:GetExecutionHistory"];

const hour = 3600_000;
/** Each needs two calls. */
const mostShown = 20;

const input = z.object({ agent: z.object({ name: z.string() }), reason: z.string(), deadline: z.string() });
const output = z.object({ drain: z.object({ state: z.string() }).optional() });

/** Reads what the workflow does. Throws AWS's errors. */
export async function readRetirements(
  { workflow, now }: { readonly workflow: string; readonly now: Date },
  sfn: SFNClient,
): Promise<Retirements> {
  const query = { stateMachineArn: workflow, statusFilter: "RUNNING" } as const;
  const running: ExecutionListItem[] = [];
  for await (const { executions = [] } of paginateListExecutions({ client: sfn, pageSize: 1000 }, query)) {
    running.push(...executions);
  }
  const ended = (["FAILED", "TIMED_OUT", "ABORTED"] as const).map((status) => failedOf({ workflow, status, now }, sfn));
  return {
    running: await Promise.all(running.slice(0, mostShown).map((execution) => describe(execution, sfn))),
    more: Math.max(0, running.length - mostShown),
    failed: (await Promise.all(ended)).flat(),
  };
}

async function describe(
  { executionArn = "", name = "", startDate }: ExecutionListItem,
  sfn: SFNClient,
): Promise<Retirement> {
  const [described, { events = [] }] = await Promise.all([
    sfn.send(new DescribeExecutionCommand({ executionArn })),
    sfn.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 50 })),
  ]);
  const given = parse(input, described.input);
  const progress = progressOf(events);
  const deadline = given && new Date(given.deadline);
  return {
    execution: name,
    agent: given?.agent.name ?? name.split(".")[0] ?? name,
    reason: given?.reason ?? "unknown",
    since: described.startDate ?? startDate ?? new Date(0),
    deadline,
    ...progress,
  };
}

/** What the newest events of an execution say. They come newest first. */
function progressOf(events: readonly HistoryEvent[]): Pick<Retirement, "state" | "failing" | "waitsFor"> {
  const state = events.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails)?.stateEnteredEventDetails?.name;
  const last = events.find(({ type }) => type === "TaskFailed" || type === "TaskSucceeded" || type === "TaskTimedOut");
  const failing = last !== undefined && last.type !== "TaskSucceeded";
  const drained = events.flatMap(({ stateExitedEventDetails: exit }) =>
    exit?.name === "Drain" ? (parse(output, exit.output)?.drain?.state ?? []) : [],
  )[0];
  return { state: state ?? "unknown", failing, waitsFor: waitOf(failing ? last : undefined, drained) };
}

function waitOf(failure: HistoryEvent | undefined, drained: string | undefined): string {
  if (failure?.type === "TaskTimedOut") return "a call of the workflow gets no answer";
  if (failure) {
    const { error = "an error", cause = "" } = failure.taskFailedEventDetails ?? {};
    return `a call of the workflow fails: ${error}${cause ? `: ${messageIn(cause)}` : ""}`;
  }
  if (drained === "busy") return "the agent has a job, or does not say that it has none";
  if (drained === "idle" || drained === "gone") return "the agent has no job; its machine ends";
  return "it has just begun";
}

async function failedOf(
  { workflow, status, now }: { readonly workflow: string; readonly status: ExecutionStatus; readonly now: Date },
  sfn: SFNClient,
): Promise<readonly FailedRetirement[]> {
  const { executions = [] } = await sfn.send(
    new ListExecutionsCommand({ stateMachineArn: workflow, statusFilter: status, maxResults: mostShown }),
  );
  const recent = executions.filter(({ stopDate }) => stopDate && now.getTime() - stopDate.getTime() < hour);
  return Promise.all(
    recent.map(async ({ executionArn, name = "", stopDate: at = now }) => {
      const { input: given, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      const agent = parse(input, given)?.agent.name ?? name.split(".")[0] ?? name;
      const said = [error, cause && messageIn(cause)].filter(Boolean).join(": ");
      return { execution: name, agent, status, at, cause: said || "AWS gives no cause" };
    }),
  );
}

/** A function's error arrives as JSON with its stack. */
function messageIn(cause: string): string {
  return parse(z.object({ errorMessage: z.string() }), cause)?.errorMessage ?? cause;
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}
