import { resolve } from "node:path";
import type { Command } from "commander";
import { loadStack, loadStacks } from "../../../stacks/config/load.ts";
import { listPrices, monthHours, readPrices } from "../../prices/index.ts";
import { type Estimate, estimate, type Use } from "../cost/estimate.ts";
import { linesAsJson } from "../cost/line.ts";
import { estimateText } from "../cost/text.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { withSynthesized } from "../lib/synthesized-config.ts";
import { readTerraformStack } from "../lib/terraform-json.ts";

interface Options {
  readonly hours?: string;
  readonly busyHours?: string;
  readonly prices?: string;
}

const help = `
Examples:
  fleet cost ci-agents
  fleet cost config/hcp-minimal.yaml --hours 400
  fleet cost ci-agents --busy-hours 160 --prices prices.yaml

A file of prices, each key optional, in US dollars:
  source: our contract of 2026
  agentHour: 0.05
  instances: { m7i.large: 0.08 }
  hourly: { natGateway: 0.04 }`;

/** `fleet cost`. */
export function addCostCommand(program: Command, context: Context): void {
  program
    .command("cost")
    .summary("estimate what a stack costs in a month")
    .description(
      "Counts what the stack makes, prices it, and says what an agent-hour costs. The prices are AWS's list prices of one " +
        "region and date, which the output names; --prices gives others. Synthesizes into a folder of its own. Needs no account.",
    )
    .argument("<stack>", "name of the stack, or its config file")
    .option("--hours <number>", "hours of all agents together in a month")
    .option("--busy-hours <number>", "hours of a month in which agents.max agents run; else agents.min run")
    .option("--prices <file>", "YAML or JSON with prices of your own")
    .addHelpText("after", help)
    .action((name: string, options: Options, command: Command) => showCost(context, name, options, command));
}

async function showCost(context: Context, given: string, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const use = useOf(options);
  const prices =
    options.prices === undefined ? listPrices : readPrices(resolve(context.cwd, options.prices), options.prices);
  const source = /[/\\]|\.ya?ml$/.test(given)
    ? { ...context, env: { ...context.env, AGENT_FLEETS_CONFIG: given } }
    : context;
  const stack = source === context ? loadStack(given, context) : onlyStack(source, given);
  const found = await ui.during(`Counting what ${stack.name} makes`, () =>
    withSynthesized(source, [stack.name], ([made]) => {
      if (made === undefined) throw new Error(`the synth made no stack ${stack.name}`);
      return estimate(stack, readTerraformStack(made), prices, use);
    }),
  );
  ui.result(asJson(found), estimateText(found, context.terminal.columns?.() ?? 100));
}

function onlyStack(source: Context, file: string) {
  const [stack, ...others] = loadStacks(source).stacks;
  if (stack && others.length === 0) return stack;
  throw new UserError(`${file} holds several configs.`, "Name one file or one stack.");
}

function useOf({ hours, busyHours }: Options): Use {
  if (hours !== undefined && busyHours !== undefined) {
    throw new UserError("--hours and --busy-hours exclude each other.", "Give one of them.");
  }
  if (hours !== undefined) return { agentHours: numberOf("--hours", hours, Number.POSITIVE_INFINITY) };
  return busyHours === undefined ? "floor" : { busyHours: numberOf("--busy-hours", busyHours, monthHours) };
}

function numberOf(option: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0 && value <= most) return value;
  const limit = most === Number.POSITIVE_INFINITY ? "0 or more" : `0 to ${most}`;
  throw new UserError(`${option} ${text} is no number of hours.`, `Write a number of ${limit}.`);
}

function asJson({ fixed, loop, pools, agentHours, total, known, hosts, notCounted, ...rest }: Estimate) {
  return {
    ...rest,
    currency: "USD",
    fixed: linesAsJson(fixed),
    loop: linesAsJson(loop),
    pools: pools.map(({ pool, perHour, perMonth, hours, missing: _, ...facts }) => ({
      pool: pool ?? null,
      ...facts,
      per_agent_hour: perHour ?? null,
      agent_hours: hours,
      per_month: perMonth ?? null,
    })),
    agent_hours: agentHours,
    total_per_month: total ?? null,
    known_per_month: known,
    hosts: hosts ?? null,
    not_counted: notCounted,
  };
}
