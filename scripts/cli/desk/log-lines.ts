import * as z from "zod";

/** A line of a log group. */
export interface LogEvent {
  readonly id: string;
  readonly at: Date;
  readonly stream: string;
  /** Without the line break at its end. Whatever a program or a job wrote: never trust it. */
  readonly text: string;
}

const names = z.array(z.string()).default([]);

/** A decision as the loop logs it, see `logDecision` of handlers/autoscale/report.ts. */
const decisionLine = z.object({
  message: z.literal("decision"),
  pool: z.string(),
  action: z.enum(["scale-out", "scale-in", "hold"]),
  reason: z.string(),
  wanted: z.number(),
  supply: z.number(),
  queued: z.number(),
  running: z.number(),
  demandPartial: z.literal(true).optional(),
  unmatched: z.object({ jobs: z.number(), demands: z.array(z.string()) }).optional(),
  agents: z.record(z.string(), z.number()),
  states: z.record(z.string(), z.array(z.string())).optional(),
  foreign: z.number().optional(),
  unseen: names,
  atCeiling: z.boolean().default(false),
  launching: z.number(),
  onDemandFallback: z.boolean().optional(),
  retiring: names,
  discarding: names,
});

/** The metrics record of a tick, in CloudWatch's embedded metric format. */
const metricsLine = z.object({
  _aws: z.object({ CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.unknown()) })) }),
  Fleet: z.string(),
  Pool: z.string().optional(),
  OldestQueuedSeconds: z.number().optional(),
});

type LoggedError = { readonly name: string; readonly message: string; readonly kind?: string | undefined };
type ErrorTree = LoggedError & { readonly cause?: ErrorTree | undefined; readonly errors?: ErrorTree[] | undefined };
const errorTree: z.ZodType<ErrorTree> = z.lazy(() =>
  z.object({
    name: z.string(),
    message: z.string(),
    kind: z.string().optional(),
    cause: errorTree.optional(),
    errors: z.array(errorTree).optional(),
  }),
);

const line = z.object({ message: z.string(), level: z.string() });
const troubleLine = line.extend({
  error: errorTree.optional(),
  kind: z.string().optional(),
  detail: z.string().optional(),
});

/** A decision, and when it was made. */
export type DecisionLine = Omit<z.output<typeof decisionLine>, "message"> & { readonly at: Date };

/** A warning or an error of a function. */
export interface TroubleLine {
  readonly at: Date;
  readonly level: "WARN" | "ERROR";
  readonly message: string;
  /** AWS's own text, and the kind that the loop took it for. */
  readonly detail: string | undefined;
  readonly kind: string | undefined;
  /** The errors beneath, the innermost ones last. */
  readonly errors: readonly LoggedError[];
}

/** What a line of a function's log says. */
export type Said =
  | { readonly type: "decision"; readonly decision: DecisionLine }
  | {
      readonly type: "metrics";
      readonly pool: string | undefined;
      readonly oldestQueuedSeconds: number | undefined;
    }
  | { readonly type: "trouble"; readonly trouble: TroubleLine }
  /** A line of ours with nothing that needs attention. */
  | { readonly type: "other"; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly type: "text" };

/** Lambda's own words about a function that it cut off or that could not begin. */
const platformTrouble = /Task timed out after [\d.]+ seconds|Runtime exited|Runtime\.\w+|Status: (?:timeout|error)\b/;

/** Reads a line. One that is not as we write it is text. */
export function understand({ text, at }: Pick<LogEvent, "text" | "at">): Said {
  const found = jsonOf(text);
  if (found === undefined) {
    const said = platformTrouble.exec(text)?.[0];
    if (said === undefined) return { type: "text" };
    const message = `Lambda: ${said}`;
    return {
      type: "trouble",
      trouble: { at, level: "ERROR", message, detail: undefined, kind: undefined, errors: [] },
    };
  }
  const decision = decisionLine.safeParse(found).data;
  if (decision) return { type: "decision", decision: { ...decision, at } };
  const metrics = metricsLine.safeParse(found).data;
  if (metrics) {
    const { Pool: pool, OldestQueuedSeconds: oldestQueuedSeconds } = metrics;
    return { type: "metrics", pool, oldestQueuedSeconds };
  }
  const trouble = troubleLine.safeParse(found).data;
  if (trouble?.level === "WARN" || trouble?.level === "ERROR") {
    const { level, message, detail, kind, error } = trouble;
    return { type: "trouble", trouble: { at, level, message, detail, kind, errors: error ? flatten(error) : [] } };
  }
  return line.safeParse(found).success ? { type: "other", fields: found } : { type: "text" };
}

/** From the outermost to the innermost. */
function flatten({ cause, errors = [], ...own }: ErrorTree): readonly LoggedError[] {
  return [own, ...[...errors, ...(cause ? [cause] : [])].flatMap(flatten)];
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
