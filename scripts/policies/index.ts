/**
 * `npm run policies`: runs the policies on the traces, writes their figures to docs/policies.json, and the tables and
 * the picture of docs/policies.md from these.
 */
import { existsSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { loadStacks } from "../../stacks/config/load.ts";
import { generated } from "../generate/generated.ts";
import { TraceError } from "../simulate/trace-job.ts";
import { type Choice, ChoiceError, choiceFrom, type GivenOptions } from "./choice.ts";
import { type Figures, figuresPath, readFigures } from "./figures.ts";
import { measureTrace } from "./measure.ts";

// Without this the AWS SDK asks users of Node 20, which we support, to upgrade.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const root = new URL("../../", import.meta.url);
const config = "config/hcp-minimal.yaml";
const boot = "lognormal:45s,0.3";

const known = existsSync(new URL(figuresPath, root)) ? readFigures() : undefined;
const program = new Command("npm run policies --")
  .description("Runs the policies on the traces, and writes the figures, tables and picture of docs/policies.md anew.")
  .option("--nasa <file>", "NASA-iPSC-1993-3.1-cln.swf.gz; left out, that trace keeps its figures")
  .option("--traces <names>", "only these, with commas between; the others keep their figures")
  .option("--policies <keys>", "only these, with commas between; the others keep their figures")
  .option("--seed <number>", "another seed needs all traces and policies", "1")
  .allowExcessArguments(false)
  .parse();
try {
  await measure(choiceFrom(program.opts<GivenOptions>(), known));
} catch (error) {
  if (!(error instanceof ChoiceError || error instanceof TraceError)) throw error;
  program.error(error.message);
}

async function measure({ traces, policies, seed, nasa }: Choice): Promise<void> {
  const { stacks } = loadStacks({ env: { ...process.env, AGENT_FLEETS_CONFIG: config }, cwd: root.pathname });
  const [stack] = stacks;
  if (!stack) throw new Error(`${config} is missing`);
  const measured: Partial<Figures["traces"]> = { ...known?.traces };
  for (const trace of traces) {
    let since = performance.now();
    const conditions = { stack, seed, boot, swf: trace.name === "nasa" ? nasa : undefined };
    const runs = await measureTrace(conditions, trace, policies, ({ key }, { wait, hours }) => {
      const seconds = ((performance.now() - since) / 1000).toFixed(0);
      process.stdout.write(`${trace.name}, ${key}: ${wait} s, ${hours} h (took ${seconds} s)\n`);
      since = performance.now();
    });
    const on = new Date().toISOString().slice(0, 10);
    measured[trace.name] = { on, runs: { ...measured[trace.name]?.runs, ...runs } };
  }
  write(figuresPath, `${JSON.stringify({ config, boot, seed, traces: measured }, undefined, 2)}\n`);
  for (const [path, content] of Object.entries(generated())) write(path, content);
}

function write(path: string, content: string): void {
  writeFileSync(new URL(path, root), content);
}
