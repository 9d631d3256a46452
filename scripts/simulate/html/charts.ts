import type { RunResult } from "../run.ts";
import { axis, draw, frame, legendHeight, type Size } from "./draw.ts";
import { colour } from "./theme.ts";

/** A line or points as ECharts takes them. */
type Pairs = readonly (readonly [number, number])[];

const still = { animation: false, silent: true, emphasis: { disabled: true } };

/** Part of a run, in samples of its timeline. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const mostBuckets = 160;
/** Three dashes. */
const lineIcon = "path://M0,0L8,0L8,2L0,2ZM10,0L18,0L18,2L10,2ZM20,0L28,0L28,2L20,2Z";
const [hour, day] = [3600, 86_400];

/** The day with most work in a run, or all of it if it is hardly longer. */
export function busiestDay({ timeline: { everySeconds, busy } }: RunResult): Span | undefined {
  const length = Math.round(day / everySeconds);
  if (busy.length < 2 * length) return undefined;
  let work = 0;
  let best = { work: -1, to: length };
  for (const [index, now] of busy.entries()) {
    work += now - (index >= length ? (busy[index - length] ?? 0) : 0);
    if (index >= length - 1 && work > best.work) best = { work, to: index + 1 };
  }
  return { from: best.to - length, to: best.to };
}

/** Agents by state, one on another, with the jobs that wait or run as a line. Means of each piece of time. */
export function drawAgents({ timeline }: RunResult, span: Span, size: Size, id: string): string {
  const { from, to } = span;
  const samples = Math.max(1, Math.ceil((to - from) / mostBuckets));
  const unit = (to - from) * timeline.everySeconds > 3 * day ? day : hour;
  const means = (values: readonly number[]): Pairs => {
    const pairs: [number, number][] = [];
    for (let start = from; start < to; start += samples) {
      const piece = values.slice(start, Math.min(to, start + samples));
      const mean = piece.reduce((sum, value) => sum + value, 0) / piece.length;
      pairs.push([round((start * timeline.everySeconds) / unit, 4), round(mean, 2)]);
    }
    return pairs;
  };
  const area = (name: string, values: readonly number[], shade: string, opacity: number, type: string) => ({
    ...still,
    name,
    type: "line",
    stack: "agents",
    step: "end",
    symbol: "none",
    itemStyle: { color: shade },
    lineStyle: { width: 1.2, color: shade, type },
    areaStyle: { color: shade, opacity },
    data: means(values),
  });
  const names = ["busy", "idle", "starting", "jobs (wait or run)"];
  const [busy = "", idle = "", starting = "", jobs = ""] = names;
  const option = {
    ...frame(names, size, { [busy]: "rect", [idle]: "rect", [starting]: "rect", [jobs]: lineIcon }),
    xAxis: axis(`${unit === day ? "days" : "hours"} since the trace began`, {
      nameGap: 30,
      min: round((from * timeline.everySeconds) / unit, 4),
      max: round((to * timeline.everySeconds) / unit, 4),
      splitLine: { show: false },
      axisLabel: {
        color: colour("faint"),
        hideOverlap: true,
        showMinLabel: true,
        formatter: (at: number) => round(at, 1),
      },
    }),
    yAxis: axis("agents, jobs", { nameGap: 40, minInterval: 1 }),
    series: [
      area(busy, timeline.busy, colour("blue"), 0.75, "solid"),
      area(idle, timeline.idle, colour("green"), 0.4, "dashed"),
      area(starting, timeline.starting, colour("orange"), 0.2, "dotted"),
      {
        ...still,
        name: jobs,
        type: "line",
        step: "end",
        symbol: "none",
        itemStyle: { color: colour("ink") },
        lineStyle: { width: 1.4, color: colour("ink"), type: [6, 3] },
        data: means(timeline.demand),
      },
    ],
  };
  return draw(option, size, id);
}

const shades = ["blue", "orange", "green", "purple", "red", "olive", "teal", "brown", "faint", "ink"] as const;
/** Filled, and hollow for the policies after them. */
const symbols = ["circle", "rect", "triangle", "diamond", "arrow"] as const;
const dashes = ["solid", "dashed", "dotted", [9, 3, 2, 3]] as const;

/** For each policy: which share of its jobs waited so long at most. */
export function drawWaits(results: readonly RunResult[], size: Size, id: string): string {
  const names = results.map(({ policy }) => policy);
  const option = {
    ...frame(names, size),
    xAxis: axis("wait in seconds, at most", {
      type: "log",
      nameGap: 30,
      min: 1,
      axisLabel: { color: colour("faint"), formatter: (seconds: number) => seconds.toLocaleString("en-US") },
    }),
    yAxis: axis("% of jobs", { nameGap: 40, min: 0, max: 100 }),
    series: results.map(({ policy, waits }, index) => {
      const shade = colour(shades[index % shades.length] ?? "ink");
      const mark = symbols[index % symbols.length];
      return {
        ...still,
        name: policy,
        type: "line",
        symbol: mark,
        symbolSize: 7,
        showAllSymbol: true,
        itemStyle: { color: index < symbols.length ? shade : colour("paper"), borderColor: shade, borderWidth: 1.5 },
        lineStyle: { width: policy === "ours" ? 3 : 1.6, color: shade, type: dashes[index % dashes.length] },
        // Five marks a line, at other places on each.
        data: quantiles(waits).map(([wait, percent]) => ({
          value: [wait, percent],
          symbol: percent % 20 === (index * 4) % 20 ? mark : "none",
        })),
      };
    }),
  };
  // Many names need many lines on a phone.
  return draw(option, { ...size, height: size.height + legendHeight(names, size) }, id);
}

/** Log axes have no zero. */
function quantiles(waits: Float64Array): Pairs {
  return Array.from({ length: waits.length === 0 ? 0 : 101 }, (_, percent) => {
    const wait = waits[Math.max(0, Math.ceil((percent / 100) * waits.length) - 1)] ?? 0;
    return [Math.max(1, round(wait, 2)), percent] as const;
  });
}

/** A point of {@link drawSweep}. */
export interface CostPoint {
  readonly cost: number;
  readonly wait: number;
  readonly singleUse: boolean;
  readonly isOwn: boolean;
  /** Its number on the front. Left out: another one is better. */
  readonly rank?: number | undefined;
}

/** Cost against wait. The front is a line with numbers, and the config's own point a large ring with a name. */
export function drawSweep(points: readonly CostPoint[], costName: string, size: Size, id: string): string {
  const [single, reused, front, own] = ["single-use agents", "agents for several jobs", "the front", "this config"];
  const dots = (name: string, symbol: string, shade: string, shown: readonly CostPoint[]) => ({
    ...still,
    name,
    type: "scatter",
    symbol,
    symbolSize: 9,
    itemStyle: { color: shade, opacity: 0.85 },
    data: shown.map(({ cost, wait }) => [round(cost, 4), round(wait, 2)]),
  });
  const ranked = points
    .filter(({ rank }) => rank !== undefined)
    .sort((one, other) => Number(one.rank) - Number(other.rank));
  const option = {
    ...frame([single, reused, front, own], size),
    xAxis: axis(costName, { nameGap: 30, scale: true, boundaryGap: ["4%", "6%"] }),
    yAxis: axis("p95 wait in seconds", { nameGap: 44, min: 0, boundaryGap: [0, "12%"] }),
    series: [
      {
        ...still,
        name: front,
        type: "line",
        step: "end",
        symbol: "circle",
        symbolSize: 15,
        showAllSymbol: true,
        itemStyle: { color: colour("paper"), borderColor: colour("ink"), borderWidth: 1.5 },
        lineStyle: { width: 1.4, color: colour("ink"), type: "dashed" },
        labelLayout: { hideOverlap: true },
        data: ranked.map(({ cost, wait, rank }) => ({
          value: [round(cost, 4), round(wait, 2)],
          label: { show: true, formatter: String(rank), position: "top", color: colour("ink"), fontWeight: "bold" },
        })),
      },
      dots(
        single,
        "circle",
        colour("blue"),
        points.filter(({ singleUse }) => singleUse),
      ),
      dots(
        reused,
        "triangle",
        colour("orange"),
        points.filter(({ singleUse }) => !singleUse),
      ),
      {
        ...dots(
          own,
          "diamond",
          colour("red"),
          points.filter(({ isOwn }) => isOwn),
        ),
        symbolSize: 26,
        itemStyle: { color: "none", borderColor: colour("red"), borderWidth: 2.5 },
        label: { show: true, formatter: own, position: "right", color: colour("red"), fontWeight: "bold" },
      },
    ],
  };
  return draw(option, size, id);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
