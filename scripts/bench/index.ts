/**
 * Measures the speed budgets, as docs/performance.md describes them. Prints each figure with its ratio to a baseline that
 * was measured beside it, and its goal. It asserts nothing, because times depend on the machine. Arguments choose parts,
 * such as `bundles`. `--swf file` adds a log of jobs to those that are simulated.
 */
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { measureBundles } from "./bundles.ts";
import { measureDecide } from "./decide.ts";
import { cellsOf, type Figure } from "./figure.ts";
import { measureSimulate } from "./simulate.ts";
import { measureSynth } from "./synth.ts";
import { measureWebhook } from "./webhook.ts";

// Without this the AWS SDK asks users of Node 20, which we support, to upgrade.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false }, swf: { type: "string" } },
  allowPositionals: true,
});
const parts: [name: string, measure: () => Figure[] | Promise<Figure[]>][] = [
  ["decide", measureDecide],
  ["webhook", measureWebhook],
  ["bundles", measureBundles],
  ["synth", measureSynth],
  ["simulate", () => measureSimulate(values.swf)],
];
const unknown = positionals.filter((given) => !parts.some(([name]) => name === given));
if (unknown.length > 0) {
  process.stderr.write(`no part ${unknown.join(", ")}. Parts: ${parts.map(([name]) => name).join(", ")}\n`);
  process.exit(1);
}

const figures: Figure[] = [];
for (const [name, measure] of parts) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  process.stderr.write(`measuring ${name} …\n`);
  figures.push(...(await measure()));
}

if (values.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);
} else {
  const table = new Table({
    head: ["what", "figure", "baseline", "ratio", "goal", "met", "note"],
    style: { head: [] },
  });
  for (const measured of figures) {
    const { figure, baseline, ratio, goal, met } = cellsOf(measured);
    table.push([measured.what, figure, baseline, ratio, goal, met, measured.note ?? ""]);
  }
  process.stdout.write(`${table.toString()}\nnode ${process.version}, medians\n`);
}
