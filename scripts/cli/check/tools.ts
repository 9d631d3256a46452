import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { isBelow, type Version, versionRange } from "../../../stacks/config/version-range.ts";
import type { Finding } from "../desk/doctor/finding.ts";
import { couldNotLook } from "../desk/doctor/finding.ts";
import type { Context } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { findTerraform, runProgram } from "../lib/programs.ts";

const versionAnswer = z.object({ terraform_version: z.string() });
const packageFile = z.object({
  dependencies: z.record(z.string(), z.string()).optional(),
  version: z.string(),
});
const root = new URL("../../../", import.meta.url);

/** Packages whose version is pinned: the stacks are proven with these alone. CDKTF and its providers are among them. */
export function packageFindings(folder = fileURLToPath(root)): readonly Finding[] {
  const read = (path: string) => packageFile.parse(JSON.parse(readFileSync(`${folder}/${path}`, "utf8")));
  const pinned = Object.entries(read("package.json").dependencies ?? {}).filter(([, wanted]) => /^\d/.test(wanted));
  const wrong = pinned.flatMap(([name, wanted]) => {
    const path = `node_modules/${name}/package.json`;
    const found = existsSync(`${folder}/${path}`) ? read(path).version : "none";
    return found === wanted ? [] : [`${name}: ${found} is installed, ${wanted} is in package.json`];
  });
  if (wrong.length === 0) return [];
  const what = "Packages are installed in other versions than the stacks are made for.";
  return [{ id: "package-version", severity: "error", what, evidence: wrong, todo: "Run npm ci in the clone." }];
}

/**
 * Whether Terraform or OpenTofu is there, in a version that the stacks take. Both print the version in the same form
 * (`terraform version -json`).
 *
 * @param required the version constraint of the stacks, such as `>= 1.11.0`
 */
export async function terraformFindings(
  context: Context,
  required: string,
  wanted?: string,
): Promise<readonly Finding[]> {
  let program: string;
  try {
    program = findTerraform(context, wanted);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const what = "A deploy needs Terraform or OpenTofu, and there is none.";
    return [{ id: "terraform-missing", severity: "error", what, evidence: [error.message], todo: error.hint }];
  }
  let printed = "";
  // Terraform prints warnings about its own settings, which the deploy will show.
  const terminal = { ...context.terminal, interactive: false, stderr: { write: () => true } };
  const code = await runProgram({ ...context, terminal }, program, ["version", "-json"], {
    cwd: context.cwd,
    // Without it, Terraform asks HashiCorp for newer versions.
    env: { ...context.env, CHECKPOINT_DISABLE: "1" },
    outputTo: (text) => {
      printed += text;
    },
  });
  const version = code === 0 ? versionOf(printed) : undefined;
  if (version === undefined)
    return [
      couldNotLook("Terraform's version", `${program} version -json ended with ${code}`, "Run it yourself to see why."),
    ];
  const { from, below } = versionRange(required);
  if (!(from && isBelow(version, from)) && (below === undefined || isBelow(version, below))) return [];
  const what = `${program} is ${version.join(".")}, and the stacks need ${required}.`;
  const todo = "Install a version that fits. --terraform or TERRAFORM_BINARY_NAME names one outside PATH.";
  return [{ id: "terraform-version", severity: "error", what, evidence: [`${program} version -json`], todo }];
}

function versionOf(printed: string): Version | undefined {
  try {
    const { terraform_version: text } = versionAnswer.parse(JSON.parse(printed));
    const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
    return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
  } catch {
    return undefined;
  }
}
