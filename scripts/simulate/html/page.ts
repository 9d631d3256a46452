import type { AgentPrice } from "../../prices/compute.ts";
import { frontOf } from "../front.ts";
import { reportOf, tables } from "../report.ts";
import type { RunResult } from "../run.ts";
import type { SweepPoint, SweepSettings } from "../sweep.ts";
import { busiestDay, type CostPoint, drawAgents, drawSweep, drawWaits, type Span } from "./charts.ts";
import type { Size } from "./draw.ts";
import { html, type Markup, trusted } from "./markup.ts";
import { style } from "./style.ts";

/** What a report is made of. */
export interface ReportInput {
  /** What the user chose, as shown: name and value. */
  readonly inputs: readonly (readonly [name: string, value: string])[];
  readonly config: string;
  readonly trace: string;
  /** Of every policy, ours first if it is among them. */
  readonly results: readonly RunResult[];
  readonly prices: readonly AgentPrice[];
  readonly sweep: {
    readonly points: readonly SweepPoint[];
    /** Jobs of the trace that the sweep ran, and all. */
    readonly jobs: number;
    readonly ofJobs: number;
  };
}

/** One page without anything to load: figures of all policies, charts, and the sweep. The same input gives the same text. */
export function htmlReport(input: ReportInput): string {
  const { config, trace, results, prices } = input;
  const title = `Simulation of ${config} on ${trace}`;
  const [first, ...others] = results;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>Made by <code>fleet simulate</code>. The loop is the real one; AWS, the vendor and the clock are simulated.</p>
<dl>${input.inputs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>
<main>
<section aria-labelledby="policies"><h2 id="policies">Policies</h2>
${policyTable(results, prices)}
</section>
<section aria-labelledby="waits"><h2 id="waits">How long jobs wait</h2>
${figure("waits-chart", "The share of jobs that waited so long at most. Higher and further left is better. Shorter waits than a second are shown as one second.", (size, id) => drawWaits(results, size, id))}
</section>
<section aria-labelledby="agents"><h2 id="agents">Agents and jobs over time</h2>
${first ? agentFigures(first, "agents-0") : ""}
${others.map(
  (
    result,
    index,
  ) => html`<details><summary>${result.policy}</summary>${agentFigures(result, `agents-${index + 1}`, true)}</details>
`,
)}
</section>
<section aria-labelledby="sweep"><h2 id="sweep">Cost against wait</h2>
${sweepSection(input)}
</section>
</main>
</body>
</html>
`.text;
}

function policyTable(results: readonly RunResult[], prices: readonly AgentPrice[]): Markup {
  const columns = tables.flatMap((table, index) => (index === 0 ? table : table.slice(1)));
  const rows = results.map((result) => {
    const [name = "", ...values] = columns.map(([, value]) => value(reportOf(result, prices)));
    return { name, values, isOwn: name === "ours" };
  });
  return grid(
    "All policies on the same jobs. Waits in seconds.",
    columns.map(([head]) => head),
    rows,
  );
}

interface Row {
  readonly name: string;
  readonly values: readonly string[];
  readonly isOwn: boolean;
}

function grid(caption: string, heads: readonly string[], rows: readonly Row[]): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ name, values, isOwn }) => html`
<tr${isOwn ? html` class="own"` : ""}><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>`,
  )}</tbody>
</table></div>`;
}

const sizes = { wide: { width: 960, height: 400 }, narrow: { width: 360, height: 380 } } as const;

/** A chart for desks and one for phones, of which one is shown. */
function figure(id: string, caption: string, drawn: (size: Size, id: string) => string): Markup {
  const charts = Object.entries(sizes).map(([name, size]) =>
    trusted(
      drawn(size, `${id}-${name}`).replace("<svg ", `<svg class="${name}" role="img" aria-labelledby="${id}-caption" `),
    ),
  );
  return html`<figure id="${id}"><figcaption id="${id}-caption">${caption}</figcaption>${charts}</figure>`;
}

/** @param inShort only the busiest day of a long run */
function agentFigures(result: RunResult, id: string, inShort = false): Markup {
  const { policy, peak, hours, timeline } = result;
  const ofRun =
    `At most ${peak} at once; ${hours.boot.toFixed(1)} h starting, ${hours.idle.toFixed(1)} h idle, ` +
    `${hours.busy.toFixed(1)} h busy.`;
  const chart = (span: Span, name: string, what: string) =>
    figure(
      name,
      `${policy}, ${what} Agents by state, one on another, and the jobs that wait or run as a dashed line.`,
      (size, each) => drawAgents(result, span, size, each),
    );
  const day = busiestDay(result);
  return html`${day && inShort ? "" : chart({ from: 0, to: timeline.busy.length }, id, `the whole run. ${ofRun}`)}
${day ? chart(day, `${id}-day`, `its busiest 24 hours.${inShort ? ` The whole run: ${ofRun}` : ""}`) : ""}`;
}

function sweepSection({ sweep: { points, jobs, ofJobs }, prices }: ReportInput): Markup {
  const costName = prices.some(({ perHour }) => perHour === undefined) ? "agent-hours per day" : "US dollars per day";
  const costed = points.map((point) => {
    const { result } = point;
    const { cost, agent_hours: hours } = reportOf(result, prices);
    const total = cost.total ?? hours.boot + hours.idle + hours.busy + hours.leaving;
    return { ...point, cost: total / result.days, wait: result.wait.p95 };
  });
  const front = frontOf(costed, ({ cost, wait }) => [cost, wait]);
  /** Settings that change nothing share one number. */
  const ranks = new Map<(typeof costed)[number], number>();
  for (const [index, point] of front.entries()) {
    const before = front[index - 1];
    const isSame = before?.cost === point.cost && before.wait === point.wait;
    ranks.set(point, (before ? Number(ranks.get(before)) : 0) + (isSame ? 0 : 1));
  }
  const shown = costed.map(
    (point): CostPoint => ({ ...point, singleUse: point.settings.singleUse, rank: ranks.get(point) }),
  );
  const own = costed.find(({ isOwn }) => isOwn);
  const beating = own && !ranks.has(own) ? front.filter(({ cost, wait }) => cost <= own.cost && wait <= own.wait) : [];
  const verdict =
    own && ranks.has(own) ? "It is on the front." : `${beating.length} points of the front beat it in both.`;
  const cut = jobs < ofJobs ? `the first ${jobs} of ${ofJobs} jobs` : `all ${jobs} jobs`;
  const heads = ["setting", "front", `p95 wait s`, costName, "killed", "never served"];
  const rows = costed
    .toSorted((one, other) => one.cost - other.cost || one.wait - other.wait)
    .map((point) => ({
      name: `${described(point.settings)}${point.isOwn ? " (this config)" : ""}`,
      values: [
        String(ranks.get(point) ?? "–"),
        point.wait.toFixed(1),
        point.cost.toFixed(2),
        String(point.result.killed),
        String(point.result.neverServed),
      ],
      isOwn: point.isOwn,
    }));
  return html`<p>Our loop with ${points.length} settings of buffer, min, idleTimeoutSeconds and singleUse, on ${cut} of the
trace. A point is on the front if no other one is as good in cost and wait and better in one of them.</p>
${figure("sweep-chart", `Cost against the p95 wait; lower and further left is better. The dashed line is the front, with its numbers in the table. The diamond is this config. ${verdict}`, (size, id) => drawSweep(shown, costName, size, id))}
${grid(
  "The front, from the cheapest to the fastest.",
  heads,
  rows.filter(({ values: [rank] }) => rank !== "–"),
)}
<details><summary>All ${points.length} settings</summary>${grid("All settings, the cheapest first.", heads, rows)}</details>`;
}

function described({ buffer, min, idleTimeoutSeconds, singleUse }: SweepSettings): string {
  const size = typeof buffer === "number" ? buffer : `${buffer.percent}%`;
  return `buffer ${size}, min ${min}, idle ${idleTimeoutSeconds} s, ${singleUse ? "single-use" : "reuse"}`;
}
