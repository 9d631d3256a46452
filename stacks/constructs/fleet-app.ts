import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "cdktf";
import type { IConstruct } from "constructs";
import type { Bundles, HandlerName } from "./functions/bundle.ts";

/** Versions of Terraform and OpenTofu that know write-only arguments and ephemeral variables. */
export const requiredTerraform = ">= 1.11.0";

/** The CDKTF app of all stacks. Its output contains no path of the machine that it ran on. */
export class FleetApp extends App {
  private readonly bundleFolders = new Map<HandlerName, string>();

  constructor(
    private readonly bundles: Bundles,
    /** Left out: the folder that `cdktf` asks for, else `cdktf.out`. */
    outdir?: string,
  ) {
    super({
      ...(outdir !== undefined && { outdir }),
      stackTraces: false,
      context: {
        excludeStackIdFromLogicalIds: true,
        // CDKTF's fork refuses write-only arguments without it (docs/adr/0001-cdktf.md).
        targetVersions: { terraform: requiredTerraform, opentofu: requiredTerraform },
      },
    });
  }

  /** The fleet app that a construct belongs to. */
  static override of(construct: IConstruct): FleetApp {
    const app = App.of(construct);
    if (!(app instanceof FleetApp)) throw new Error("stacks of agent-fleets belong into a FleetApp");
    return app;
  }

  /** A folder with one handler's bundle, beside the stacks. Each stack makes its own copy. */
  bundleFolder(name: HandlerName): string {
    const known = this.bundleFolders.get(name);
    if (known !== undefined) return known;
    const folder = join(this.outdir, ".bundles", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.mjs"), this.bundles[name]);
    this.bundleFolders.set(name, folder);
    return folder;
  }
}
