import { readFileSync } from "node:fs";
import { wrapped } from "../../stacks/config/reading/wrap.ts";
import { isGood, nameOf, titleOf } from "./chart.ts";
import { type Figures, policies, type Run, runOf, traces } from "./figures.ts";

const path = "docs/policies.md";
const [begin, end] = ["<!-- figures: written by npm run policies -->", "<!-- end of the figures -->"];

/** The page `docs/policies.md` with these figures between its marks. @throws Error if a mark is missing */
export function policiesPage(figures: Figures): string {
  const page = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const [before, after] = [page.split(begin)[0], page.split(end)[1]];
  if (before === undefined || after === undefined) throw new Error(`${path} has lost a mark: ${begin} or ${end}`);
  return [before + begin, "", figuresText(figures), "", end + after].join("\n");
}

function figuresText(figures: Figures): string {
  const { config, boot, seed } = figures;
  const days = [...new Set(traces.map(({ name }) => figures.traces[name].on))].sort();
  return [
    paragraph(
      "Each cell is the wait of 95 % of the jobs in seconds · agent-hours idle and booting. `fleet simulate` with " +
        `\`${config}\`, boot \`${boot}\`, seed ${seed}, no faults, ${days.join(" and ")}. A webhook wakes the loop, unless ` +
        "the row says otherwise. Unless the table says so, all jobs were served, and none was killed. Lower is better in both.",
    ),
    table(figures, (run) => `${run.wait} · ${run.hours}${troubleOf(run)}`),
    "The policy's own functions ran so many seconds a day in Lambda:",
    table(figures, (run) => run.functions.toLocaleString("en-US"), "oracle"),
    conclusions(figures)
      .map((line) => paragraph(line, "- "))
      .join("\n"),
  ].join("\n\n");
}

/** Lines of 120 characters at most. The mark of a list stands before the first, and indents the others. */
function paragraph(text: string, mark = ""): string {
  const lines = wrapped(text, 120 - mark.length);
  return lines.map((line, index) => (index === 0 ? mark : " ".repeat(mark.length)) + line).join("\n");
}

function table(figures: Figures, cell: (run: Run) => string, without?: "oracle"): string {
  const rows = policies
    .filter(({ of }) => of !== without)
    .map((policy) => {
      const [name = "", rest] = nameOf(policy).split(", ");
      const shown = [policy.of === "ours" ? `**${name}**` : name, ...(rest ? [rest] : [])];
      if (policy.of === "oracle") shown.push("an oracle");
      return [shown.join(", "), ...traces.map((trace) => cell(runOf(figures, trace.name, policy.key)))];
    });
  const lines = [["Policy", ...traces.map(titleOf)], ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [lines[0], `|${"---|".repeat(traces.length + 1)}`, ...lines.slice(1)].join("\n");
}

function troubleOf(run: Run): string {
  if (isGood(run)) return "";
  const counts = [run.killed > 0 && `kills ${run.killed}`, run.unserved > 0 && `leaves ${run.unserved}`];
  return `, ${counts.filter(Boolean).join(" and ")}`;
}

/** What the figures say. `__tests__/scripts/policies/page.test.ts` holds that they still do. */
function conclusions(figures: Figures): readonly string[] {
  const of = (trace: (typeof traces)[number]["name"], key: string) => runOf(figures, trace, key);
  const later = (key: string) =>
    range(
      (["nasa", "bursts", "poisson"] as const).map((trace) => of(trace, key).wait - of(trace, "limit-single-use").wait),
    );
  const percent = (trace: (typeof traces)[number]["name"], key: string, other: string) =>
    `${Math.round((100 * of(trace, key).hours) / of(trace, other).hours)} %`;
  const poisson = (key: string) => of("poisson", key);
  return [
    "`cheap` has the fewest hours of all policies that kill no job on any trace. On the steady Poisson load Spacelift's " +
      `autoscaler has fewer (${poisson("spacelift-autoscaler").hours}), because its workers are used again; its jobs ` +
      `wait ${poisson("spacelift-autoscaler").wait} s, and those of \`cheap\` ${poisson("cheap").wait} s. \`cheap\` ` +
      "with `singleUse: false` is the way there.",
    `\`cheap\` waits ${later("cheap")} s longer than the oracle of single-use agents, and ${later("cheap-no-webhook")} s ` +
      "without a webhook. On nightly, where 300 jobs share 200 agents, it is " +
      `${of("nightly", "cheap").wait - of("nightly", "limit-single-use").wait} s.`,
    "`fast` waits less than both scalers of Buildkite and the one of Semaphore, with fewer hours, on NASA and bursts. On " +
      `nightly it waits ${of("nightly", "fast").wait} s, and Buildkite's ${of("nightly", "buildkite-scaler").wait} s; ` +
      `\`fast\` has ${percent("nightly", "fast", "buildkite-scaler")} of the hours.`,
    `On Poisson \`fast\` waits ${poisson("fast").wait} s, Semaphore's scaler ${poisson("semaphore-scaler").wait} s, and ` +
      `Buildkite's ${poisson("buildkite-scaler").wait} s with the cooldown of its template and ` +
      `**${poisson("buildkite-scaler-0").wait} s without it**. \`fast\` has ` +
      `${percent("poisson", "fast", "semaphore-scaler")}, ${percent("poisson", "fast", "buildkite-scaler")} and ` +
      `${percent("poisson", "fast", "buildkite-scaler-0")} of their hours.`,
  ];
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
}
