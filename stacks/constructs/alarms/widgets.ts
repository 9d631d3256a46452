import { type MetricName, metricsNamespace } from "../../../handlers/lib/core/ports.ts";

/** CloudWatch's grid has so many columns. */
const columns = 24;
const height = 6;

/** One line of a graph: a metric with its dimensions, or an expression. */
export type Line = readonly unknown[];

/** One part of a dashboard, before it has its place. */
export interface Widget {
  readonly type: "metric" | "log" | "alarm" | "text";
  /** Columns of {@link columns}. */
  readonly width: number;
  /** @default 6 */
  readonly height?: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A graph over time. */
export interface Graph {
  readonly title: string;
  readonly width: number;
  readonly lines: readonly Line[];
  /**
   * `Average` or `Maximum` for states, which the loop reports several times a minute: a sum counts an agent once for each
   * look. `Sum` for what happens.
   */
  readonly stat: "Average" | "Maximum" | "Sum";
  readonly stacked?: boolean;
  /** A line across the graph. */
  readonly limit?: { readonly label: string; readonly value: number };
  /** @default 60 */
  readonly periodSeconds?: number;
  readonly yAxis?: object;
}

/** A graph as a widget. */
export function graph(region: string, { width, lines, limit, periodSeconds = 60, ...rest }: Graph): Widget {
  const { title, stat, stacked = false, yAxis = { left: { min: 0 } } } = rest;
  const annotations = limit && { annotations: { horizontal: [limit] } };
  const properties = { title, metrics: lines, stat, stacked, region, period: periodSeconds, view: "timeSeries", yAxis };
  return { type: "metric", width, properties: { ...properties, ...annotations } };
}

/** Lines of our own metrics. */
export function ours(dimensions: readonly string[], names: readonly MetricName[], options?: object): Line[] {
  return names.map((name) => [metricsNamespace, name, ...dimensions, ...(options ? [options] : [])]);
}

/** A query of Logs Insights over some log groups, as a table. */
export function logTable(
  region: string,
  table: {
    readonly title: string;
    readonly width: number;
    readonly logGroups: readonly string[];
    /** One command each. */
    readonly commands: readonly string[];
  },
): Widget {
  const { title, width, logGroups, commands } = table;
  const query = [...logGroups.map((group) => `SOURCE '${group}'`), ...commands].join(" | ");
  return { type: "log", width, properties: { title, region, view: "table", query } };
}

/** The states of some alarms, in rows of about four. CloudWatch takes 100 in one widget. */
export function alarmStates(title: string, alarms: readonly { readonly arn: string }[]): Widget {
  return {
    type: "alarm",
    width: columns,
    height: 1 + Math.ceil(alarms.length / 4),
    properties: { title, alarms: alarms.slice(0, 100).map(({ arn }) => arn) },
  };
}

/** Text across the page. */
export function text(markdown: string): Widget {
  return { type: "text", width: columns, height: 2, properties: { markdown } };
}

/** The body of a dashboard: each widget beside the last one, or below it where the row is full. */
export function dashboardBody(widgets: readonly Widget[]): string {
  let [x, y, rowHeight] = [0, 0, 0];
  const placed = widgets.map(({ type, width, height: own = height, properties }) => {
    if (x + width > columns) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const place = { type, x, y, width, height: own, properties };
    x += width;
    rowHeight = Math.max(rowHeight, own);
    return place;
  });
  return JSON.stringify({ widgets: placed });
}
