/** Whether something stops the fleet, may stop it, or could not be looked at. */
export type Severity = "error" | "warning" | "unknown";

/** One thing that is wrong with a fleet, or that nobody could look at. */
export interface Finding {
  /** The kind of diagnosis, such as `schedule-disabled`. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly what: string;
  /** Where it is seen, with AWS's or the vendor's own words. */
  readonly evidence: readonly string[];
  readonly todo: string;
  /** Section of docs/runbook.md. Alarms of this section are explained by it. */
  readonly section?: string | undefined;
  /** Machines whose own log may say more. */
  readonly machines?: readonly { readonly id: string; readonly poolName: string }[] | undefined;
}

/**
 * What nobody could look at may be wrong.
 *
 * @param why one sentence without a full stop
 * @param todo in sentences
 */
export function couldNotLook(part: string, why: string, todo = "Remove the cause."): Finding {
  return {
    id: "could-not-look",
    severity: "unknown",
    what: `Could not look at ${part}.`,
    evidence: [why],
    todo: `${todo} Then run the command again. Whether this part is healthy is not known.`,
  };
}

const order: readonly Severity[] = ["error", "unknown", "warning"];

/** The worst first; else in the order that they came. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return order.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}
