import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the app as cdktf.json does. */
function synth(config: string): Promise<{ code: number; stderr: string; outdir: string }> {
  const outdir = join(folder, `out-${Math.random()}`);
  return new Promise((resolve) => {
    const env = { ...process.env, AGENT_FLEETS_CONFIG: config, CDKTF_OUTDIR: outdir };
    execFile("node", ["scripts/synth.js"], { env }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stderr, outdir });
    });
  });
}

function configFolder(name: string, files: Record<string, string>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

const good =
  "kind: ecs-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n";

describe.concurrent("main.ts", () => {
  it("makes one stack per file of the folder that AGENT_FLEETS_CONFIG names", async () => {
    const { code, stderr, outdir } = await synth(configFolder("two", { "one.yaml": good, "two.yml": good }));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of ["one", "two"]) expect(existsSync(join(outdir, "stacks", name, "cdk.tf.json"))).toBe(true);
  });

  it("Semaphore defect 8: tells all errors of all files at once, exits with 1, writes nothing and shows no stack trace", async () => {
    const { code, stderr, outdir } = await synth(
      configFolder("bad", {
        "first.yaml": good.replace("region", "regoin"),
        "second.yaml": `${good}agents: { max: many }\n`,
      }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/first\.yaml.*regoin.*region/);
    expect(stderr).toMatch(/second\.yaml.*agents\.max/);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(outdir, "stacks"))).toBe(false);
  });

  it("warns below the agent's documented minimum and goes on", async () => {
    const { code, stderr } = await synth(
      configFolder("small", { "small.yaml": `${good}compute: { cpu: 256, memoryMiB: 512 }\n` }),
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: .*small\.yaml.*2048/);
  });

  it("says so when AGENT_FLEETS_CONFIG names nothing", async () => {
    const { code, stderr } = await synth(join(folder, "absent"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/AGENT_FLEETS_CONFIG names .*absent/);
  });
});
