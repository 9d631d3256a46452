import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Deployer, missingTools, mustRun, root, run, terraformEnvironment, useRegistry } from "./toolchain.ts";

/** Why a program need not or cannot validate the shipped configs, if so. */
function reasonToSkip(deployer: Deployer): string | undefined {
  const missing = missingTools({ moto: false, deployer });
  if (missing) return `Missing here: ${missing}`;
  // Terraform validates a stack before it deploys it.
  const deployed = deployer === "terraform" && missingTools({ moto: true }) === undefined;
  return deployed ? "All of them are deployed" : undefined;
}

const stacks = readdirSync(join(root, "config"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => basename(file, ".yaml"));

describe.each(["terraform", "tofu"] as const)("%s validate", (deployer) => {
  const reason = reasonToSkip(deployer);
  if (reason) process.stderr.write(`SKIPPED: ${deployer} validate of the shipped configs. ${reason}\n`);

  describe.skipIf(reason)("the shipped configs, with the AWS provider", () => {
    let folder: string;
    let output: string;
    let env: ReturnType<typeof terraformEnvironment>;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
      output = join(folder, "out");
      env = terraformEnvironment(folder, { CDKTF_OUTDIR: output }, deployer);
      await mustRun("node", ["scripts/synth.js", useRegistry ? "main.ts" : "__tests__/e2e/app.ts"], { env });
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.concurrent.each(stacks)("%s", async (stack) => {
      const cwd = join(output, "stacks", stack);
      await mustRun(deployer, ["init", "-backend=false", "-input=false"], { cwd, env });
      const { code, output: text } = await run(deployer, ["validate", "-no-color"], { cwd, env });
      const success = expect.stringContaining("Success! The configuration is valid.");
      expect({ code, text }).toEqual({ code: 0, text: success });
    });
  });
});
