import { readFileSync } from "node:fs";
import * as z from "zod";

/** A trace of the comparison. */
export interface ComparedTrace {
  readonly name: string;
  readonly days: number;
  /** `agents.max` of every policy. */
  readonly max: number;
}

/** The traces, in the order of the page. `nasa` needs its file; the others are synthetic. */
export const traces = [
  { name: "nasa", days: 92, max: 20 },
  { name: "bursts", days: 14, max: 50 },
  { name: "nightly", days: 14, max: 200 },
  { name: "poisson", days: 7, max: 20 },
] as const satisfies readonly ComparedTrace[];

/** A policy of the comparison, as `fleet simulate` names it. */
export interface ComparedPolicy {
  /** In `docs/policies.json`. */
  readonly key: string;
  readonly policy: string;
  readonly of: "ours" | "others" | "oracle";
  readonly webhook: boolean;
}

const compared = (policy: string, of: ComparedPolicy["of"]) => ({ key: policy, policy, of, webhook: true });

/** The policies, in the order of the page. */
export const policies: readonly ComparedPolicy[] = [
  compared("cheap", "ours"),
  { ...compared("cheap", "ours"), key: "cheap-no-webhook", webhook: false },
  compared("balanced", "ours"),
  compared("fast", "ours"),
  compared("semaphore-scaler", "others"),
  compared("buildkite-scaler", "others"),
  compared("buildkite-scaler-0", "others"),
  compared("spacelift-autoscaler", "others"),
  compared("limit-single-use", "oracle"),
  compared("limit-reuse", "oracle"),
];

const whole = z.int().min(0);
const run = z.strictObject({
  /** Of 95 % of the jobs, in seconds. */
  wait: whole,
  /** Hours that agents were idle or booting. */
  hours: whole,
  killed: whole,
  /** Jobs that never began. */
  unserved: whole,
  /** Seconds a day of the policy's own functions. */
  functions: whole,
});

/** What one policy came to on one trace. */
export type Run = z.output<typeof run>;

const schema = z.strictObject({
  config: z.string(),
  boot: z.string(),
  seed: whole,
  traces: z.record(
    z.enum(traces.map(({ name }) => name)),
    z.strictObject({ on: z.iso.date(), runs: z.record(z.string(), run) }),
  ),
});

/** The figures of the comparison: all that `docs/policies.md` and its picture show. */
export type Figures = z.output<typeof schema>;

/** Where they are kept, from the project's root. */
export const figuresPath = "docs/policies.json";

const url = new URL(`../../${figuresPath}`, import.meta.url);

/** Reads the figures. @throws ZodError if a trace or a figure is missing */
export function readFigures(): Figures {
  return schema.parse(JSON.parse(readFileSync(url, "utf8")));
}

/** The run of a policy on a trace. @throws Error if there is none: `npm run policies` makes it */
export function runOf({ traces: all }: Figures, trace: (typeof traces)[number]["name"], key: string): Run {
  const found = all[trace].runs[key];
  if (!found) throw new Error(`${figuresPath} has no ${key} on ${trace}: run \`npm run policies\``);
  return found;
}
