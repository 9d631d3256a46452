import type { Command } from "commander";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { urlOf } from "../../../stacks/config/vendors/azure-devops.ts";
import { type Context, credential, uiOf } from "../lib/context.ts";
import { asking, UserError } from "../lib/errors.ts";
import { stackOf } from "../lib/one-stack.ts";
import { fetchTo } from "../lib/outbound.ts";
import { writeWhole } from "../lib/write-file.ts";
import { readJobs } from "../trace/ado-jobs.ts";
import { readRuns } from "../trace/hcp-runs.ts";
import { csvOf, type History, rowsOf } from "../trace/history.ts";

interface Options {
  readonly days: string;
  readonly output?: string;
}

type Vendor = Extract<LoadedStack["config"], { readonly kind: "ecs-fleet" }>["vendor"];
type HcpTerraformConfig = Extract<Vendor, { readonly type: "hcp-terraform" }>;
type AzureDevOpsConfig = Extract<Vendor, { readonly type: "azure-devops" }>;

/** Reads a vendor's history since a moment. */
type Reader = (since: Date, step: (message: string) => void) => Promise<History>;

const examples = `
Examples:
  fleet trace export ci-agents --output jobs.csv
  fleet simulate --config config/ci-agents.yaml --trace jobs.csv`;

/** `fleet trace`. */
export function addTraceCommands(program: Command, context: Context): void {
  const trace = program.command("trace").description("jobs of the past, for fleet simulate");
  trace
    .command("export")
    .summary("write the jobs that a fleet's vendor has seen as a trace")
    .description(
      "Reads the history of the fleet's agent pool at its vendor, and writes it as CSV. Asks for TOKEN (HCP Terraform) " +
        "or ADO_PAT (Azure DevOps), or reads this variable. Changes nothing.",
    )
    .argument("<stack>", "name of the stack, or its config file")
    .option("--days <number>", "how far back", "28")
    .option("--output <file>", "a file to write, in place of standard output")
    .addHelpText("after", examples)
    .action((name: string, options: Options, command: Command) => exportTrace(context, name, options, command));
}

/** Ten years. */
const longestDays = 3653;

async function exportTrace(context: Context, name: string, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const days = Number(options.days);
  if (!Number.isInteger(days) || days < 1 || days > longestDays) {
    throw new UserError(
      `--days ${options.days} is no whole number from 1 to ${longestDays}.`,
      "Correct it, then try again.",
    );
  }
  const stack = stackOf(name, context);
  const since = new Date(context.clock.now().getTime() - days * 86_400_000);
  const { vendor, read } = await readerOf(stack, context);
  await asking(vendor, async () => {
    const history = await ui.during(`Reading ${days} days of ${stack.name}`, (step) => read(since, step));
    const { jobs, leftOut } = history;
    const [first, last] = [jobs[0], jobs.at(-1)];
    if (!first || !last) {
      throw new UserError(
        `${stack.file}: no job of the last ${days} days has been done by an agent (${describe(leftOut)}).`,
        "Name more days with --days, or check the name of the agent pool and the rights of the token.",
      );
    }
    const [from, to] = [first.submittedAt.toISOString(), last.submittedAt.toISOString()];
    ui.note(`${jobs.length} jobs from ${from} to ${to}. Left out: ${describe(leftOut)}.`);
    const summary = { stack: stack.name, from, to, left_out: leftOut };
    if (options.output === undefined) {
      ui.result({ ...summary, jobs: rowsOf(history) }, csvOf(history));
    } else {
      writeWhole({ option: "--output", name: options.output, cwd: context.cwd }, `${csvOf(history)}\n`);
      ui.result({ ...summary, output: options.output, jobs: jobs.length }, `Written to ${options.output}.`);
    }
  })();
}

async function readerOf(
  stack: LoadedStack,
  context: Context,
): Promise<{ readonly vendor: "hcp-terraform-stack" | "azure-devops"; readonly read: Reader }> {
  const { config, file } = stack;
  if (config.kind !== "ecs-fleet" && config.kind !== "ec2-fleet") {
    throw new UserError(`${file} is no fleet: its kind is ${config.kind}.`, "Give the name of a fleet's stack.");
  }
  const { vendor } = config;
  switch (vendor.type) {
    case "hcp-terraform":
      return { vendor: "hcp-terraform-stack", read: await hcpTerraform(vendor, context) };
    case "azure-devops": {
      const pools = "pools" in config && config.pools ? config.pools : [{ name: vendor.poolName, id: vendor.poolId }];
      return { vendor: "azure-devops", read: await azureDevOps(vendor, pools, context) };
    }
    case "spacelift":
      throw cannot(file, "Spacelift's API that lists the past runs of a worker pool");
    case "semaphore":
      throw cannot(file, "Semaphore's API that lists the past jobs of an agent type");
    default:
      throw cannot(file, "this vendor's API that lists past jobs");
  }
}

function cannot(file: string, call: string): UserError {
  return new UserError(
    `${file}: vendor.type: fleet knows no documented call of ${call}, with their times.`,
    "Write the trace by other means: docs/simulate.md has its columns.",
  );
}

async function hcpTerraform(vendor: HcpTerraformConfig, context: Context): Promise<Reader> {
  const token = await credential(context, "TOKEN", "an API token of HCP Terraform that may see the workspaces' runs");
  const { address } = vendor;
  const options = { address, clock: context.clock, readToken: async () => token, fetch: fetchTo(context, vendor) };
  return (since, step) => readRuns(vendor, { ...options, since, onPage: (runs) => step(`${runs} runs`) });
}

async function azureDevOps(
  vendor: AzureDevOpsConfig,
  pools: readonly { readonly name?: string | undefined; readonly id?: number | undefined }[],
  context: Context,
): Promise<Reader> {
  const pat = await credential(context, "ADO_PAT", "a personal access token that may read the agent pools");
  const deps = { clock: context.clock, readToken: async () => pat, fetch: fetchTo(context, vendor) };
  const organization = { url: urlOf(vendor), auth: { type: "pat" } } as const;
  const named = pools.flatMap(({ name, id }) => (name === undefined ? [] : [{ name, id }]));
  return (since, step) => readJobs(organization, named, { deps, since, onPool: (pool) => step(`Pool ${pool}`) });
}

function describe({ never_ran: neverRan, not_over: notOver, unreadable }: History["leftOut"]): string {
  return `${neverRan} that no agent took, ${notOver} not over, ${unreadable} without times`;
}
