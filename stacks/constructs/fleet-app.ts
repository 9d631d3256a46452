import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { IConstruct } from "constructs";
import { App } from "#cdktf";
import { visibleLine } from "../../handlers/lib/core/visible.ts";
import { ConfigError } from "../config/errors.ts";
import { filesToUpload } from "../config/uploads/files.ts";
import type { Bundles, HandlerName } from "./functions/bundle.ts";

/** Versions of Terraform and OpenTofu that know write-only arguments and ephemeral variables. */
export const requiredTerraform = ">= 1.11.0";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The CDKTF app of all stacks. Its output contains no path of the machine that it ran on. */
export class FleetApp extends App {
  /** Warnings that show only while stacks are made, one line each. */
  readonly warnings: string[] = [];
  private readonly uploadFolders = new Map<string, string>();
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

  /**
   * A copy of a folder of this repository, beside the stacks, with what of it may be uploaded. Warns of what is left out.
   *
   * @param path such as `agents/azure-devops`
   * @param root where `path` starts: this repository
   */
  uploadFolder(path: string, root = repository): string {
    const known = this.uploadFolders.get(path);
    if (known !== undefined) return known;
    const source = join(root, path);
    const { files, leftOut, odd } = filesToUpload(source, root);
    if (odd.length > 0) throw ConfigError.at(path, `must hold no links: ${odd.join(", ")} would be uploaded`);
    if (leftOut.length > 0) this.warnings.push(visibleLine(`${path}: not uploaded: ${leftOut.join(", ")}`));
    const folder = join(this.outdir, ".uploads", path);
    rmSync(folder, { recursive: true, force: true });
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      copyFileSync(join(source, file), join(folder, file));
    }
    this.uploadFolders.set(path, folder);
    return folder;
  }
}
