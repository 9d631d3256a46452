/**
 * `npm run policies`: runs the policies on the traces, writes their figures to docs/policies.json, and the tables and
 * the picture of docs/policies.md from these. Takes about ten minutes. Traces and policies that are not chosen keep
 * their figures.
 *
 * - `--nasa <file>`: NASA-iPSC-1993-3.1-cln.swf.gz of the Parallel Workloads Archive. Left out: that trace keeps its
 *   figures.
 * - `--traces <names>`, `--policies <keys>`: only these, with commas between. Left out: all.
 * - `--seed <number>`: 1 if left out. Another seed needs all traces and policies.
 */
import { existsSync, writeFileSync } from "node:fs";
import { loadStacks } from "../../stacks/config/load.ts";
import { generated } from "../generate/generated.ts";
import { type Choice, ChoiceError, choiceFrom } from "./choice.ts";
import { type Figures, figuresPath, readFigures } from "./figures.ts";
import { measureTrace } from "./measure.ts";

// Without this the AWS SDK asks users of Node 20, which we support, to upgrade.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const root = new URL("../../", import.meta.url);
const config = "config/hcp-minimal.yaml";
const boot = "lognormal:45s,0.3";

const known = existsSync(new URL(figuresPath, root)) ? readFigures() : undefined;
try {
  await measure(choiceFrom(process.argv.slice(2), known));
} catch (error) {
  if (!(error instanceof ChoiceError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
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
