import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figure.ts";
import { alternately, processorTime } from "./measure.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The least that an app of CDKTF does: one resource of AWS, loaded by its own file, in one stack. */
const smallestApp = `
const { App, TerraformStack } = require("cdktf");
const { AwsProvider } = require("@cdktf/provider-aws/lib/provider");
const { S3Bucket } = require("@cdktf/provider-aws/lib/s3-bucket");
const app = new App();
const stack = new TerraformStack(app, "smallest");
new AwsProvider(stack, "aws", { region: "us-west-2" });
new S3Bucket(stack, "bucket", {});
app.synth();`;

/**
 * Synthesis, in whole processes: one config and all shipped configs by Node, all by the CLI of CDKTF, and the type
 * check. Processor time, because other programs hardly change it.
 */
export async function measureSynth(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-bench-"));
  const env = (config: string) => ({
    ...process.env,
    AGENT_FLEETS_LOCAL_STATE: "allow",
    AGENT_FLEETS_QUOTAS: "raised",
    AGENT_FLEETS_CONFIG: config,
    CDKTF_OUTDIR: folder,
    CHECKPOINT_DISABLE: "1",
  });
  // In the project, so that Node finds the packages.
  const smallest = join(root, "node_modules/.cache/agent-fleets", `smallest-app-${process.pid}.cjs`);
  writeFileSync(smallest, smallestApp);
  const byNode = [process.execPath, "scripts/synth.js"];
  const byCdktf = [join(root, "node_modules/.bin/cdktf"), "synth", "--output", folder];
  try {
    const small = await alternately(7, {
      nothing: () => processorTime([process.execPath, "-e", "0"]),
      smallest: () => processorTime([process.execPath, smallest], env("config")),
      one: () => processorTime(byNode, env("config/semaphore-minimal.yaml")),
    });
    const large = await alternately(2, {
      node: () => processorTime(byNode, env("config")),
      cdktf: () => processorTime(byCdktf, env("config")),
      types: () => processorTime([join(root, "node_modules/.bin/tsc"), "-p", "."]),
    });
    const app = { what: "the smallest app of CDKTF", value: small.smallest };
    return [
      { what: app.what, value: app.value, unit: "ms", baseline: { what: "node -e 0", value: small.nothing } },
      { what: "synth of one config", value: small.one, unit: "ms", baseline: app },
      { what: "synth of all shipped configs", value: large.node, unit: "ms", baseline: app },
      {
        what: "synth of all shipped configs by cdktf synth",
        value: large.cdktf,
        unit: "ms",
        baseline: { what: "by node", value: large.node },
      },
      { what: "type check", value: large.types, unit: "ms", baseline: app },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(smallest, { force: true });
  }
}
