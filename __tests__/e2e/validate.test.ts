import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingTools, mustRun, root, run, terraformEnvironment, useRegistry } from "./toolchain.ts";

const missing = missingTools({ moto: false });
if (missing) process.stderr.write(`SKIPPED: terraform validate of the shipped configs. Missing here: ${missing}\n`);
/** Whether another suite deploys the shipped configs. Terraform validates a stack before it deploys it. */
const deployed = missingTools({ moto: true }) === undefined;
if (deployed)
  process.stderr.write("SKIPPED: terraform validate of the shipped configs, since all of them are deployed\n");

const stacks = readdirSync(join(root, "config"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => basename(file, ".yaml"));

describe.skipIf(missing || deployed)("terraform validate", () => {
  let folder: string;
  let output: string;
  let env: ReturnType<typeof terraformEnvironment>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    output = join(folder, "out");
    env = terraformEnvironment(folder, { CDKTF_OUTDIR: output });
    await mustRun("node", ["scripts/synth.js", useRegistry ? "main.ts" : "__tests__/e2e/app.ts"], { env });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.concurrent.each(stacks)("%s, with the AWS provider", async (stack) => {
    const cwd = join(output, "stacks", stack);
    await mustRun("terraform", ["init", "-backend=false", "-input=false"], { cwd, env });
    const { code, output: text } = await run("terraform", ["validate", "-no-color"], { cwd, env });
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining("Success! The configuration is valid.") });
  });
});
