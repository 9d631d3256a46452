import type { Figures, Log, MetricName, Metrics } from "../../handlers/lib/core/ports.ts";

/** A {@link Log} that remembers. */
export interface LogFake extends Log {
  readonly lines: readonly {
    readonly level: "info" | "warn" | "error";
    readonly message: string;
    readonly fields: Record<string, unknown>;
  }[];
}

/** See {@link LogFake}. */
export function createLogFake(): LogFake {
  const lines: LogFake["lines"][number][] = [];
  const at =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: Record<string, unknown> = {}) => {
      lines.push({ level, message, fields });
    };
  return { lines, info: at("info"), warn: at("warn"), error: at("error") };
}

/** {@link Metrics} that remember. */
export interface MetricsFake extends Metrics {
  readonly records: readonly Figures[];
  /** The sum of one figure over all records. */
  sum(name: MetricName): number;
}

/** See {@link MetricsFake}. */
export function createMetricsFake(): MetricsFake {
  const records: Figures[] = [];
  return {
    records,
    record: (values) => records.push(values),
    sum: (name) => records.reduce((sum, values) => sum + [values[name] ?? 0].flat().reduce((a, b) => a + b, 0), 0),
  };
}
