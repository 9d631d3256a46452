import { loadStacks } from "../../stacks/config/load.ts";
import * as simulator from "../simulate/index.ts";
import type { Figure } from "./figure.ts";
import { ownProcessorTime } from "./measure.ts";

/** Does the least in the same world: it launches an agent for each job, and calls nothing. */
const oracle = "limit-single-use";

/**
 * `fleet simulate` with our policy on the shipped trace, and on a file of jobs if one is given.
 *
 * @param swf a log in the Standard Workload Format, such as `NASA-iPSC-1993-3.1-cln.swf.gz`
 */
export async function measureSimulate(swf: string | undefined): Promise<Figure[]> {
  const env = { ...process.env, AGENT_FLEETS_CONFIG: "config/hcp-minimal.yaml" };
  const [stack] = loadStacks({ env, cwd: process.cwd() }).stacks;
  const boot = simulator.parseBoot("lognormal:45s,0.3");
  if (!stack || !boot) throw new Error("config/hcp-minimal.yaml or the boot time is missing");
  const fleet = simulator.simulatedFleet(stack);
  const figures: Figure[] = [];
  for (const name of ["synthetic:weekday", ...(swf === undefined ? [] : [swf])]) {
    const trace = simulator.readTrace({ trace: name, seed: 1 });
    const timeOf = (policy: string) =>
      ownProcessorTime(() =>
        simulator.run({ fleet, trace, baseline: simulator.baselineOf(policy), seed: 1, boot, faults: new Set() }),
      );
    const value = await timeOf("ours");
    const baseline = { what: `${oracle} on the same trace`, value: await timeOf(oracle) };
    const what = `simulate ${trace.name.replace(/.*[\\/]/, "")}, ${trace.jobs.length} jobs`;
    figures.push({ what, value, unit: "ms", baseline, ...(name === swf && { goal: { value: 20_000 } }) });
  }
  return figures;
}
