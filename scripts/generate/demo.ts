/** `npm run demo`: draws the picture of the README from the run that it shows. Takes about half a minute. */
import { mkdirSync, writeFileSync } from "node:fs";
import { loadStacks } from "../../stacks/config/load.ts";
import { tablePicture } from "../simulate/html/picture.ts";
import * as simulator from "../simulate/index.ts";

const root = new URL("../../", import.meta.url);
const [config, seed, bootTime] = ["config/hcp-minimal.yaml", 1, "lognormal:45s,0.3"];
const { stacks } = loadStacks({ env: { ...process.env, AGENT_FLEETS_CONFIG: config }, cwd: root.pathname });
const [stack] = stacks;
const boot = simulator.parseBoot(bootTime);
if (!stack || !boot) throw new Error(`${config} or ${bootTime} is missing`);

const fleet = simulator.simulatedFleet(stack);
const prices = fleet.machines.map((machine) => simulator.agentPrice(machine));
const trace = simulator.readTrace({ trace: "synthetic:weekday", seed });
const reports = [];
for (const policy of simulator.policyNames) {
  const baseline = simulator.baselineOf(policy);
  const own = { name: policy, fleet: simulator.fleetFor(policy, fleet) };
  const result = await simulator.run({ ...own, trace, baseline, seed, boot, faults: new Set() });
  reports.push(simulator.reportOf(result, prices));
}
mkdirSync(new URL("docs/images/", root), { recursive: true });
const picture = tablePicture(`npm run fleet -- simulate --config ${config} --policy all`, reports);
writeFileSync(new URL("docs/images/simulate.svg", root), picture);
process.stdout.write("wrote docs/images/simulate.svg\n");
