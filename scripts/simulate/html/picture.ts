import type { PolicyReport } from "../report.ts";
import { escapeText } from "./markup.ts";
import { themeStyle } from "./theme.ts";

const whole = (value: number) => value.toFixed(0);

/** The columns of the picture, and where each ends, in pixels. */
const columns: readonly (readonly [head: string, end: number, value: (report: PolicyReport) => string])[] = [
  ["wait p50", 290, ({ wait_seconds: { p50 } }) => `${whole(p50)} s`],
  ["p95", 370, ({ wait_seconds: { p95 } }) => `${whole(p95)} s`],
  ["max", 450, ({ wait_seconds: { max } }) => `${whole(max)} s`],
  ["jobs killed", 560, ({ killed }) => whole(killed)],
  ["launches", 650, ({ launches }) => whole(launches)],
  ["idle hours", 750, ({ agent_hours: { idle } }) => whole(idle)],
  ["total", 840, ({ cost: { total } }) => (total === null ? "?" : `$${total.toFixed(2)}`)],
];
const [width, rowHeight, left, top] = [864, 26, 24, 70];

/**
 * The figures of all policies as a picture, in light or dark as its reader prefers. Its colours need no page around it.
 *
 * @param command is shown above the table
 */
export function tablePicture(command: string, reports: readonly PolicyReport[]): string {
  const text = (x: number, row: number, anchor: "start" | "end", shown: string, kind = "") =>
    `<text x="${x}" y="${top + row * rowHeight}" text-anchor="${anchor}"${kind && ` class="${kind}"`}>${escapeText(shown)}</text>`;
  const heads = [
    text(left, 0, "start", "policy", "head"),
    ...columns.map(([head, end]) => text(end, 0, "end", head, "head")),
  ];
  const rows = reports.flatMap((report, index) => {
    const kind = report.policy === "ours" ? "own" : "";
    return [
      text(left, index + 1, "start", report.policy, kind),
      ...columns.map(([, end, value]) => text(end, index + 1, "end", value(report), kind)),
    ];
  });
  const height = top + reports.length * rowHeight + 22;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">The table of ${escapeText(command)}</title>`,
    `<style>${themeStyle("svg")}text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:var(--ink)}`,
    ".head,.command{fill:var(--faint)}.own{font-weight:700;fill:var(--blue)}</style>",
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8" fill="var(--paper)" stroke="var(--grid)"/>`,
    `<text x="${left}" y="32" class="command">$ ${escapeText(command)}</text>`,
    ...heads,
    `<path d="M${left} ${top + 8}H${width - left}" stroke="var(--grid)"/>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}
