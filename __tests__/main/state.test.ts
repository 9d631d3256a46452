import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cdktfProgram, cdktfRuns } from "../e2e/toolchain.ts";

const config =
  "kind: ecs-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n";
const deployed = JSON.stringify({ version: 4, resources: [{ mode: "managed", type: "aws_ecs_cluster" }] });

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  for (const stack of ["recent", "former"]) write(`configs/${stack}.yaml`, config);
  write("others/lab.yaml", config);
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

/** Leaves what `cdktf deploy` leaves of a stack. @param path the state file, relative to the stack's folder */
function deploy(stack: string, path: string): void {
  const folder = `cdktf.out/stacks/${stack}`;
  write(`${folder}/.terraform/terraform.tfstate`, JSON.stringify({ backend: { type: "local", config: { path } } }));
  write(join(folder, path), deployed);
}

/** The real `cdktf synth`, which in the end deletes the folders of the output that have no stack. */
function cdktf(configs: string): void {
  const env = { ...process.env, AGENT_FLEETS_CONFIG: join(project, configs), CHECKPOINT_DISABLE: "1" };
  const args = ["synth", "--app", "node scripts/synth.js", "--output", join(project, "cdktf.out")];
  execFileSync(cdktfProgram, args, { env, stdio: "pipe" });
}

const runs = cdktfRuns();
if (!runs)
  process.stderr.write("SKIPPED: states that cdktf could delete. It does not run on this version of Node.js\n");

describe.skipIf(!runs)("a state, where it lies now or where earlier versions kept it", () => {
  it.each([
    ["another folder is synthesized", () => cdktf("others")],
    [
      "the configs get other names",
      () => {
        for (const name of ["recent", "former"]) {
          renameSync(join(project, `configs/${name}.yaml`), join(project, `configs/${name}-agents.yaml`));
        }
        cdktf("configs");
      },
    ],
    [
      "the configs go before the stacks are destroyed",
      () => {
        for (const name of ["recent", "former"]) rmSync(join(project, `configs/${name}.yaml`));
        write("configs/lab.yaml", config);
        cdktf("configs");
      },
    ],
  ])("is not lost when %s", (_, change) => {
    deploy("recent", "../../../state/terraform.recent.tfstate");
    deploy("former", "terraform.former.tfstate");
    change();
    for (const stack of ["recent", "former"]) {
      expect(readFileSync(join(project, `state/terraform.${stack}.tfstate`), "utf8")).toBe(deployed);
    }
  });
});
