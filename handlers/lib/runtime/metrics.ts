import { MetricUnit, Metrics as PowertoolsMetrics } from "@aws-lambda-powertools/metrics";
import { type Log, type Metrics, metricsNamespace } from "../core/ports.ts";

/**
 * Metrics in CloudWatch's embedded metric format on standard output, one record per call. The dimensions are the fleet
 * and, in a fleet of several pools, the pool. Names that end in `Seconds` are in seconds, all others are counts. Skips
 * figures that are no finite number. A list of values is an array, of at most 100 in one record (CloudWatch User
 * Guide, "Specification: Embedded metric format"); Powertools begins another record for more.
 */
export function createMetrics(dimensions: { readonly Fleet: string; readonly Pool?: string }, log: Log): Metrics {
  const emf = new PowertoolsMetrics({ namespace: metricsNamespace });
  emf.clearDefaultDimensions();
  emf.setDefaultDimensions({ ...dimensions });
  return {
    record(values) {
      try {
        for (const [name, figures] of Object.entries(values)) {
          const unit = name.endsWith("Seconds") ? MetricUnit.Seconds : MetricUnit.Count;
          for (const value of [figures].flat()) if (Number.isFinite(value)) emf.addMetric(name, unit, value);
        }
        if (emf.hasStoredMetrics()) emf.publishStoredMetrics();
      } catch (error) {
        log.warn("metrics could not be recorded", { error });
      }
    },
  };
}
