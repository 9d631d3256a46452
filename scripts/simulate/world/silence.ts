import type { Log, Metrics } from "../../../handlers/lib/core/ports.ts";

/** A log that nobody reads. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };

/** Metrics that nobody reads. */
export const silentMetrics: Metrics = { record() {} };
