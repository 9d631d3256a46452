import { resolve } from "node:path";
import type { Command } from "commander";
import type { Fault } from "../../simulate/faults.ts";
import type { RunResult } from "../../simulate/run.ts";
import type { FleetOfConfig } from "../../simulate/settings.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { stackIn } from "../lib/one-stack.ts";
import { table } from "../lib/ui.ts";

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
}

const examples = `
Examples:
  fleet simulate --config config/hcp-minimal.yaml
  fleet simulate --config config/hcp-minimal.yaml --trace jobs.csv --policy all --max 50
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
    .option("--policy <names>", "ours and policies of other systems, with commas between; or all", "ours")
    .option(
      "--boot <time>",
      "from launch to ready: 45s, or lognormal:45s,0.3 for median and sigma (default: that, with 75s on instances)",
    )
    .option("--seed <number>", "another seed draws other boot times, delays and faults", "1")
    .option("--max <agents>", "in place of agents.max of the config")
    .option("--fault <names>", "what goes wrong, with commas between")
    .option("--price <dollars>", "of one agent-hour, in place of Fargate's list price")
    .option("--no-webhook", "nothing wakes the loop but its schedule")
    .addHelpText("after", examples)
    .action((options: Options, command: Command) => simulate(context, options, command));
}

async function simulate(context: Context, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const seed = wholeNumber("--seed", options.seed, 0);
  const max = options.max === undefined ? undefined : wholeNumber("--max", options.max, 1);
  const stack = stackIn(options.config, context, "--config");
  // Imported only here: it loads the AWS SDK.
  const simulator = await import("../../simulate/index.ts");
  try {
    const fleet = simulator.simulatedFleet(stack, max);
    const faults = new Set(options.fault === undefined ? [] : faultsOf(options.fault, fleet, simulator.faults));
    const bootText = options.boot ?? fleet.usualBoot;
    const boot = simulator.parseBoot(bootText);
    if (!boot) throw new UserError(`--boot ${bootText} is no boot time.`, "Write 45s or lognormal:45s,0.3.");
    const chosen = choose("--policy", options.policy, simulator.policyNames);
    if (fleet.notifiedRunSeconds !== undefined && !options.webhook) {
      throw new UserError("--no-webhook: with demand notifications nothing else tells of runs.", "Leave it out.");
    }
    const given = priceOf(options.price);
    const prices = fleet.machines.map((machine) => simulator.agentPrice(machine, given));
    const { trace: name, queue } = options;
    const isPool = fleet.pools && ((each: string) => simulator.poolOfQueue(fleet, each) !== undefined);
    const trace = simulator.readTrace({ trace: name, seed, queue, isPool }, resolve(context.cwd, name));

    const results = await ui.during(`Simulating ${trace.jobs.length} jobs of ${trace.name}`, async (step) => {
      const done: RunResult[] = [];
      for (const [index, policy] of chosen.entries()) {
        const title = `${policy} (${index + 1} of ${chosen.length})`;
        if (!context.terminal.interactive) step(title);
        const baseline = simulator.baselineOf(policy);
        const webhook = fleet.webhook && options.webhook;
        const onProgress = (share: number) => step(`${title} ${Math.floor(share * 100)} %`);
        const told = context.terminal.interactive && { onProgress };
        done.push(await simulator.run({ fleet: { ...fleet, webhook }, trace, baseline, seed, boot, faults, ...told }));
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
      webhook: fleet.webhook && options.webhook,
      faults: [...faults],
      price_per_agent_hour:
        prices.length === 1 ? (prices[0]?.perHour ?? null) : prices.map(({ perHour }) => perHour ?? null),
      price_source: [...new Set(prices.map(({ source }) => source))].join("; "),
    };
    const grids = simulator.tables.map((columns) =>
      table(
        columns.map(([head]) => head),
        reports.map((report) => columns.map(([, value]) => value(report))),
      ),
    );
    ui.result({ ...inputs, policies: reports }, [...grids, describe(inputs)].join("\n"));
  } catch (error) {
    throw simulator.isForUser(error) ? new UserError(error.message, hintFor(error)) : error;
  }
}

function choose<Name extends string>(option: string, text: string, names: readonly Name[]): readonly Name[] {
  if (text === "all") return names;
  return text.split(",").map((name) => {
    const found = names.find((each) => each === name.trim());
    if (found !== undefined) return found;
    throw new UserError(`${option} has no ${JSON.stringify(name)}.`, `Choose of: ${names.join(", ")}, or all.`);
  });
}

function faultsOf(text: string, { place }: FleetOfConfig, faults: Readonly<Record<Fault, string>>): readonly Fault[] {
  const chosen = choose("--fault", text, Object.keys(faults) as Fault[]);
  if (place.type === "hosts" || !chosen.includes("hosts-full")) return chosen;
  if (text === "all") return chosen.filter((fault) => fault !== "hosts-full");
  throw new UserError("--fault hosts-full: this fleet's agents run on no EC2 hosts of yours.", "Leave it out.");
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new UserError(`${option} ${text} is no whole number of ${least} or more.`, "Correct it, then try again.");
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

function describe(inputs: {
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
}): string {
  const shown = [inputs.price_per_agent_hour].flat().map((each) => (each === null ? "?" : `$${each.toFixed(4)}`));
  const limits = inputs.pools?.map(({ key, min, max }) => `${key}: min ${min}, max ${max}`) ?? [
    `min ${inputs.min}, max ${inputs.max}`,
  ];
  return [
    `${inputs.jobs} jobs of ${inputs.trace} in ${inputs.days.toFixed(1)} days; ${limits.join(", ")}; ` +
      `boot ${inputs.boot}; seed ${inputs.seed}; webhook ${inputs.webhook ? "on" : "off"}; ` +
      `faults: ${inputs.faults.join(", ") || "none"}.`,
    `An agent-hour costs ${shown.join(", ")}: ${inputs.price_source}.`,
  ].join("\n");
}
