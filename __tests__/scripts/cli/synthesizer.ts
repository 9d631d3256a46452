import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Context } from "../../../scripts/cli/lib/context.ts";
import { loadStacks } from "../../../stacks/config/load.ts";

/** Synthesizes the configs of a folder once, in this process, with stand-ins for the functions' code. */
export function synthesizerOf(cwd: string): NonNullable<Context["synthesize"]> {
  let written: Promise<ReadonlyMap<string, string>> | undefined;
  return async (output, names) => {
    written ??= synthesize(cwd);
    for (const [path, text] of await written) {
      if (path !== "manifest.json" && !names.some((name) => path === pathOf(name))) continue;
      const file = join(output, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  };
}

const pathOf = (stack: string) => `stacks/${stack}/cdk.tf.json`;

async function synthesize(cwd: string): Promise<ReadonlyMap<string, string>> {
  // Imported only here, because loading cdktf takes a second, and most commands synthesize nothing.
  const { FleetApp } = await import("../../../stacks/constructs/fleet-app.ts");
  const { createStacks, loadStackClasses } = await import("../../../stacks/index.ts");
  const { stubBundles } = await import("../../stacks/synth.ts");
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  try {
    const app = new FleetApp(stubBundles, folder);
    const { stacks } = loadStacks({ env: {}, cwd });
    createStacks(await loadStackClasses(), app, stacks);
    app.synth();
    const paths = ["manifest.json", ...stacks.map(({ name }) => pathOf(name))];
    return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
