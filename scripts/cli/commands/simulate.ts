import { resolve } from "node:path";
import type { Command } from "commander";
import { wrapped } from "../../../stacks/config/reading/wrap.ts";
import type { Fault } from "../../simulate/faults.ts";
import type { RunResult } from "../../simulate/run.ts";
import type { FleetOfConfig } from "../../simulate/settings.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { stackIn } from "../lib/one-stack.ts";
import { tables } from "../lib/ui.ts";
import { checkWritable, writeWhole } from "../lib/write-file.ts";

interface Options {
  readonly config: string;
  readonly trace: string;
  readonly queue?: string;
  readonly policy: string;
  readonly boot?: string;
  readonly seed: string;
  readonly max?: string;
  readonly fault?: string;
  readonly price?: string;
  readonly webhook: boolean;
  readonly html?: string;
}

const examples = `
Examples:
  fleet simulate --config config/hcp-minimal.yaml
  fleet simulate --config config/hcp-minimal.yaml --trace jobs.csv --policy all --max 50
  fleet simulate --config config/hcp-minimal.yaml --policy all --html report.html
  fleet simulate --config config/hcp-full.yaml --trace synthetic:bursts --fault spot-reclaim,api-down --json

docs/simulate.md describes the traces, the policies, the faults and the figures.`;

/** `fleet simulate`. */
export function addSimulateCommand(program: Command, context: Context): void {
  program
    .command("simulate")
    .summary("try a fleet on a trace of jobs, without AWS")
    .description(
      "Runs the fleet's real loop on a trace of jobs, against a simulated AWS and vendor on a virtual clock, and shows " +
        "how long jobs wait and what it costs. Needs no network. Fails if the loop breaks one of its promises.",
    )
    .requiredOption("--config <file>", "the fleet's config file")
    .option(
      "--trace <trace>",
      "a file .swf or .csv, or .gz of it, or synthetic:weekday, bursts, nightly or poisson",
      "synthetic:weekday",
    )
    .option("--queue <name>", "only the jobs of this queue of a CSV file")
    .option(
      "--policy <names>",
      "ours, cheap, balanced, fast and policies of other systems, with commas between; or all",
      "ours",
    )
    .option(
      "--boot <time>",
      "from launch to ready: 45s, or lognormal:45s,0.3 for median and sigma (default: that, with 75s on instances)",
    )
    .option("--seed <number>", "another seed draws other boot times, delays and faults", "1")
    .option("--max <agents>", "in place of agents.max of the config")
    .option("--fault <names>", "what goes wrong, with commas between")
    .option("--price <dollars>", "of one agent-hour, in place of Fargate's list price")
    .option("--html <file>", "also writes a report with charts, and tries other settings of agents for it")
    .option("--no-webhook", "nothing wakes the loop but its schedule")
    .addHelpText("after", examples)
    .action((options: Options, command: Command) => simulate(context, options, command));
}

async function simulate(context: Context, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const seed = wholeNumber("--seed", options.seed, { least: 0, most: 2 ** 32 - 1 });
  const max = options.max === undefined ? undefined : wholeNumber("--max", options.max, { least: 1, most: 10_000 });
  const stack = stackIn(options.config, context, "--config");
  // Imported only here: it loads the AWS SDK.
  const simulator = await import("../../simulate/index.ts");
  try {
    const fleet = simulator.simulatedFleet(stack, max);
    const faults = new Set(options.fault === undefined ? [] : faultsOf(options.fault, fleet, simulator.faults));
    const bootText = options.boot ?? fleet.usualBoot;
    const boot = simulator.parseBoot(bootText);
    if (!boot) throw new UserError(`--boot ${bootText} is no boot time.`, bootHint(simulator.bootLimits));
    const chosen = choose("--policy", options.policy, simulator.policyNames);
    if (fleet.notifiedRunSeconds !== undefined && !options.webhook) {
      throw new UserError("--no-webhook: with demand notifications nothing else tells of runs.", "Leave it out.");
    }
    const given = priceOf(options.price);
    const prices = fleet.machines.map((machine) => simulator.agentPrice(machine, given));
    const { trace: name, queue } = options;
    const isPool = fleet.pools && ((each: string) => simulator.poolOfQueue(fleet, each) !== undefined);
    const trace = simulator.readTrace({ trace: name, seed, queue, isPool }, resolve(context.cwd, name));

    const webhook = fleet.webhook && options.webhook;
    const simulated = { fleet: { ...fleet, webhook }, seed, boot, faults };
    const html = options.html === undefined ? undefined : { option: "--html", name: options.html, cwd: context.cwd };
    if (html) checkWritable(html);

    const results = await ui.during(`Simulating ${trace.jobs.length} jobs of ${trace.name}`, async (step) => {
      const done: RunResult[] = [];
      for (const [index, policy] of chosen.entries()) {
        const title = `${policy} (${index + 1} of ${chosen.length})`;
        if (!context.terminal.interactive) step(title);
        const baseline = simulator.baselineOf(policy);
        const onProgress = (share: number) => step(`${title} ${Math.floor(share * 100)} %`);
        const told = context.terminal.interactive && { onProgress };
        const own = { name: policy, fleet: simulator.fleetFor(policy, simulated.fleet) };
        done.push(await simulator.run({ ...simulated, ...own, trace, baseline, ...told }));
      }
      return done;
    });

    const reports = results.map((result) => simulator.reportOf(result, prices));
    const inputs = {
      config: stack.file,
      trace: trace.name,
      jobs: trace.jobs.length,
      days: Math.max(...results.map(({ days }) => days)),
      seed,
      boot: bootText,
      min: fleet.policy.min,
      max: fleet.policy.max,
      pools: fleet.pools?.map(({ key, policy }) => ({ key, min: policy.min, max: policy.max })) ?? null,
      webhook,
      faults: [...faults],
      price_per_agent_hour:
        prices.length === 1 ? (prices[0]?.perHour ?? null) : prices.map(({ perHour }) => perHour ?? null),
      price_source: [...new Set(prices.map(({ source }) => source))].join("; "),
    };
    const grids = simulator.tables.map((columns) =>
      tables(
        columns.map(([head]) => head),
        reports.map((report) => columns.map(([, value]) => value(report))),
        context.terminal.columns?.(),
      ),
    );
    if (html) {
      const cut = simulator.cutForSweep(trace);
      const title = `Trying other settings on ${cut.jobs.length} jobs`;
      const points = await ui.during(title, (step) =>
        simulator.sweep({ ...simulated, trace: cut }, (done, of) => {
          if (context.terminal.interactive || done % 10 === 0) step(`setting ${done + 1} of ${of}`);
        }),
      );
      // Imported only here: it loads ECharts.
      const { htmlReport } = await import("../../simulate/html/page.ts");
      const sweep = { points, jobs: cut.jobs.length, ofJobs: trace.jobs.length };
      const { config, trace: traceName } = inputs;
      const page = htmlReport({ inputs: shown(inputs), config, trace: traceName, results, prices, sweep });
      writeWhole(html, page);
    }
    const written = html ? [`Wrote ${html.name}.`] : [];
    ui.result(
      { ...inputs, policies: reports, ...(html && { html: html.name }) },
      [...grids, ...wrapped(describe(inputs), context.terminal.columns?.()), ...written].join("\n"),
    );
  } catch (error) {
    throw simulator.isForUser(error) ? new UserError(error.message, hintFor(error)) : error;
  }
}

function choose<Name extends string>(option: string, text: string, names: readonly Name[]): readonly Name[] {
  if (text === "all") return names;
  const chosen = text.split(",").map((name) => {
    const found = names.find((each) => each === name.trim());
    if (found !== undefined) return found;
    throw new UserError(`${option} has no ${JSON.stringify(name)}.`, `Choose of: ${names.join(", ")}, or all.`);
  });
  return [...new Set(chosen)];
}

function faultsOf(text: string, { place }: FleetOfConfig, faults: Readonly<Record<Fault, string>>): readonly Fault[] {
  const chosen = choose("--fault", text, Object.keys(faults) as Fault[]);
  if (place.type === "hosts" || !chosen.includes("hosts-full")) return chosen;
  if (text === "all") return chosen.filter((fault) => fault !== "hosts-full");
  throw new UserError("--fault hosts-full: this fleet's agents run on no EC2 hosts of yours.", "Leave it out.");
}

function wholeNumber(
  option: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UserError(`${option} ${text} is no whole number from ${least} to ${most}.`, "Correct it, then try again.");
}

function bootHint({ seconds, sigma }: { readonly seconds: number; readonly sigma: number }): string {
  return `Write 45s or lognormal:45s,0.3: ${seconds}s at most, and a sigma of ${sigma} at most.`;
}

function priceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new UserError(`--price ${text} is no number of dollars.`, "Write it as 0.05.");
}

function hintFor({ name }: Error): string {
  if (name === "InvariantError") return "This is a bug: please report it with the command that you ran.";
  if (name === "NotSimulatedError") return "Choose another config: docs/simulate.md says what is simulated.";
  return "Correct it, then try again. docs/simulate.md has the formats.";
}

interface Inputs {
  readonly config: string;
  readonly jobs: number;
  readonly trace: string;
  readonly days: number;
  readonly seed: number;
  readonly boot: string;
  readonly min: number;
  readonly max: number;
  readonly webhook: boolean;
  readonly faults: readonly string[];
  readonly pools: readonly { readonly key: string; readonly min?: number; readonly max?: number }[] | null;
  readonly price_per_agent_hour: number | null | readonly (number | null)[];
  readonly price_source: string;
}

/** The inputs as the report shows them. */
function shown(inputs: Inputs): (readonly [string, string])[] {
  return [
    ["Config", inputs.config],
    ["Trace", `${inputs.trace}, ${inputs.jobs} jobs in ${inputs.days.toFixed(1)} days`],
    ["Agents", limitsText(inputs)],
    ["Boot", inputs.boot],
    ["Seed", String(inputs.seed)],
    ["Webhook", inputs.webhook ? "on" : "off"],
    ["Faults", inputs.faults.join(", ") || "none"],
    ["Price of an agent-hour", priceText(inputs)],
  ];
}

function priceText({ price_per_agent_hour: prices, price_source: source }: Inputs): string {
  const texts = [prices].flat().map((each) => (each === null ? "?" : `$${each.toFixed(4)}`));
  return `${texts.join(", ")}: ${source}`;
}

function limitsText({ pools, min, max }: Inputs): string {
  const limits = pools?.map((pool) => `${pool.key}: min ${pool.min}, max ${pool.max}`) ?? [`min ${min}, max ${max}`];
  return limits.join(", ");
}

function describe(inputs: Inputs): string {
  return [
    `${inputs.jobs} jobs of ${inputs.trace} in ${inputs.days.toFixed(1)} days; ${limitsText(inputs)}; ` +
      `boot ${inputs.boot}; seed ${inputs.seed}; webhook ${inputs.webhook ? "on" : "off"}; ` +
      `faults: ${inputs.faults.join(", ") || "none"}.`,
    `An agent-hour costs ${priceText(inputs)}.`,
  ].join("\n");
}
