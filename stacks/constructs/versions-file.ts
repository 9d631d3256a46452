import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TerraformStack } from "#cdktf";

/**
 * Writes the versions of Terraform that a stack runs with into `versions.tf`, beside its JSON. checkov takes all of
 * `terraform` for blocks, and cannot read a stack with a text there.
 */
export function writeVersions(stack: TerraformStack, required: string): void {
  const { synthesizer } = stack;
  stack.synthesizer = {
    synthesize: (session) => {
      synthesizer.synthesize(session);
      const { workingDirectory } = session.manifest.forStack(stack);
      const file = join(session.outdir, workingDirectory, "versions.tf");
      writeFileSync(file, `terraform {\n  required_version = "${required}"\n}\n`);
    },
  };
}
