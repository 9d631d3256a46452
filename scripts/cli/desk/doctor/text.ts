import { counted, labelled } from "../words.ts";
import type { Finding, Severity } from "./finding.ts";

const labels: Readonly<Record<Severity, string>> = { error: "ERROR", warning: "WARNING", unknown: "UNKNOWN" };

const healthy = "nothing is wrong, as far as AWS and the loop's own papers show.";

/**
 * The findings as a person reads them.
 *
 * @param calm follows the title if there are none
 */
export function findingsText(title: string, findings: readonly Finding[], width: number, calm = healthy): string {
  if (findings.length === 0) return labelled("", `${title}: ${calm}`, width, 0).join("\n");
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const heads = [
    counted(count("error"), "error", "errors"),
    counted(count("warning"), "warning", "warnings"),
    ...(count("unknown") > 0 ? [`${counted(count("unknown"), "part", "parts")} nobody could look at`] : []),
  ];
  return [
    ...labelled("", `${title}: ${heads.join(", ")}`, width, 0),
    ...findings.flatMap(({ severity, id, what, evidence, todo, section }) => [
      "",
      ...labelled(labels[severity], `${what} (${id})`, width, 9),
      ...evidence.flatMap((line) => labelled("  seen", line.replaceAll("\n", " "), width, 9)),
      ...labelled("  do", todo, width, 9),
      ...(section ? labelled("  see", `docs/runbook.md#${section}`, width, 9) : []),
    ]),
  ].join("\n");
}
