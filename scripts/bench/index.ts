/**
 * Measures the speed budgets. Prints each figure with its goal and their ratio (below 1 is within the goal). It asserts
 * nothing, because times depend on the machine. Arguments choose parts, such as `bundles`.
 */
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { measureBundles } from "./bundles.ts";
import { measureDecide } from "./decide.ts";
import type { Figure } from "./figure.ts";
import { measureSynth } from "./synth.ts";
import { measureWebhook } from "./webhook.ts";

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false } },
  allowPositionals: true,
});
const parts: [name: string, measure: () => Figure[] | Promise<Figure[]>][] = [
  ["decide", measureDecide],
  ["webhook", measureWebhook],
  ["bundles", measureBundles],
  ["synth", measureSynth],
];

const figures: Figure[] = [];
for (const [name, measure] of parts) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  process.stderr.write(`measuring ${name} …\n`);
  figures.push(...(await measure()));
}

if (values.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);
} else {
  const table = new Table({ head: ["what", "figure", "goal", "of the goal", "note"], style: { head: [] } });
  for (const { what, value, unit, goal, note } of figures) {
    const ratio = goal && (goal.atLeast ? goal.value / value : value / goal.value);
    table.push([
      what,
      `${round(value)} ${unit}`,
      goal ? `${goal.atLeast ? "≥" : "≤"} ${goal.value} ${unit}` : "",
      ratio === undefined ? "" : `${round(ratio)}×`,
      note ?? "",
    ]);
  }
  process.stdout.write(`${table.toString()}\nnode ${process.version}, medians\n`);
}

function round(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
