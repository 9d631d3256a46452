import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadStacks } from "../../../stacks/config/load.ts";
import { FleetApp } from "../../../stacks/constructs/fleet-app.ts";
import { createStacks, loadStackClasses } from "../../../stacks/index.ts";
import { type Synthesized, stubBundles } from "../synth.ts";

/** Synthesizes every file in config/ into a folder: stack → its JSON, which is `stacks/<stack>/cdk.tf.json` there. */
export async function synthesizeShipped(folder: string): Promise<ReadonlyMap<string, Synthesized>> {
  const { stacks } = loadStacks({ env: {}, cwd: process.cwd() });
  const app = new FleetApp(stubBundles, folder);
  createStacks(await loadStackClasses(), app, stacks);
  app.synth();
  const read = (name: string) => JSON.parse(readFileSync(join(folder, "stacks", name, "cdk.tf.json"), "utf8"));
  return new Map(stacks.map(({ name }) => [name, read(name)]));
}
