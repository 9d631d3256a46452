/**
 * Measures the speed budgets, as docs/performance.md describes them. Prints each figure with its ratio to a baseline that
 * was measured beside it, and its goal. It asserts nothing, because times depend on the machine.
 */
import Table from "cli-table3";
import { Argument, Command } from "commander";
import { measureBundles } from "./bundles.ts";
import { measureDecide } from "./decide.ts";
import { cellsOf, type Figure } from "./figure.ts";
import { measureSimulate } from "./simulate.ts";
import { measureSynth } from "./synth.ts";
import { measureWebhook } from "./webhook.ts";

// Without this the AWS SDK asks users of Node 20, which we support, to upgrade.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const names = ["decide", "webhook", "bundles", "synth", "simulate"] as const;
const program = new Command("npm run bench --")
  .description("Measures the speed budgets of docs/performance.md.")
  .addArgument(new Argument("[parts...]", "all, if left out").choices(names))
  .option("--json", "prints the figures as JSON")
  .option("--swf <file>", "simulates this log of jobs, too")
  .parse();
const { json, swf } = program.opts<{ json?: true; swf?: string }>();
const chosen = new Set(program.args);
const measures: Record<(typeof names)[number], () => Figure[] | Promise<Figure[]>> = {
  decide: measureDecide,
  webhook: measureWebhook,
  bundles: measureBundles,
  synth: measureSynth,
  simulate: () => measureSimulate(swf),
};

const figures: Figure[] = [];
for (const name of names) {
  if (chosen.size > 0 && !chosen.has(name)) continue;
  process.stderr.write(`measuring ${name} …\n`);
  figures.push(...(await measures[name]()));
}

if (json) {
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
