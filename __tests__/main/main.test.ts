import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cdktfProgram, cdktfRuns } from "../e2e/toolchain.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly outdir: string;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, outdir: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout, stderr, outdir });
    });
  });
}

/** Runs the app as cdktf.json does. */
function synth(config: string, changes: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const outdir = join(folder, `out-${Math.random()}`);
  const env = { ...process.env, AGENT_FLEETS_CONFIG: config, CDKTF_OUTDIR: outdir, ...changes };
  return run(process.execPath, ["scripts/synth.js"], env, changes.CDKTF_OUTDIR ?? outdir);
}

/** All files below a folder, path → content. */
function filesIn(path: string): Map<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => [file.slice(path.length), readFileSync(file, "utf8")]),
  );
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
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "warning: alarms of one, two reach nobody: set alarms.emails or another receiver in alarms\n",
    });
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
    // The bundle is made anew for each synth, and its maker says nothing.
    expect(
      stderr
        .trim()
        .split("\n")
        .filter((line) => !/\.yaml:\d+:\d+: /.test(line)),
    ).toEqual([]);
    expect(existsSync(join(outdir, "stacks"))).toBe(false);
  });

  it("says once what a new account does not give, in one block, and goes on", async () => {
    const config = configFolder("crowd", { "one.yaml": good, "two.yaml": good });
    const { code, stderr } = await synth(config, { AGENT_FLEETS_QUOTAS: "new" });
    expect(code).toBe(0);
    expect(stderr.split("\n")).toEqual([
      "warning: alarms of one, two reach nobody: set alarms.emails or another receiver in alarms",
      expect.stringMatching(
        /^warning: a new AWS account .*docs\/before-the-first-deploy\.md; set AGENT_FLEETS_QUOTAS=raised/,
      ),
      expect.stringMatching(/^ {2}us-west-2: up to 20 vCPU of Fargate.*one\.yaml.*two\.yaml/),
      "",
    ]);
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

  it("writes every shipped config on a machine that has Node alone", async () => {
    const { code, stderr, outdir } = await synth("config", { PATH: configFolder("without-programs", {}) });
    expect({ code, stderr: stderr.replaceAll(/^warning: .*\n/gm, "") }).toEqual({ code: 0, stderr: "" });
    const configs = readdirSync("config").filter((file) => file.endsWith(".yaml"));
    expect(readdirSync(join(outdir, "stacks")).map((name) => `${name}.yaml`)).toEqual(configs);
  });

  it("is the program of npm run synth and of cdktf: no cdktf starts, which some versions of Node cannot run", () => {
    const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
    expect(read("package.json").scripts.synth).toBe("node scripts/synth.js");
    expect(read("cdktf.json").app).toBe("node scripts/synth.js");
  });

  it.skipIf(!cdktfRuns())("writes the same files as cdktf synth", async () => {
    const config = configFolder("same", {
      "one.yaml": good,
      "two.yaml": `${good}backend: { type: cloud, organization: acme, workspace: two }\n`,
    });
    const outdir = join(folder, "by-cdktf");
    const env = { ...process.env, AGENT_FLEETS_CONFIG: config, CHECKPOINT_DISABLE: "1" };
    const byCdktf = await run(cdktfProgram, ["synth", "--output", outdir], env, outdir);
    expect(byCdktf.code).toBe(0);
    expect(filesIn((await synth(config)).outdir)).toEqual(filesIn(outdir));
  });

  it("says what it has written, except to cdktf, which says so itself", async () => {
    const config = configFolder("said", { "one.yaml": good });
    const cwd = configFolder("elsewhere", { "cdktf.json": "{}" }); // by which cdktf knows a project's root
    const script = join(process.cwd(), "scripts/synth.js");
    const env = { ...process.env, AGENT_FLEETS_CONFIG: config, CDKTF_OUTDIR: undefined };
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, [script], { env, cwd }, (_error, output) => resolve(output));
    });
    expect(stdout).toBe("Wrote to cdktf.out/stacks: one\n");
    expect((await synth(config)).stdout).toBe("");
  });

  it("keeps the folder of a stack whose config is gone: Terraform can still destroy it from there", async () => {
    const outdir = join(folder, "kept");
    await synth(configFolder("before", { "one.yaml": good, "two.yaml": good }), { CDKTF_OUTDIR: outdir });
    const left = join(outdir, "stacks/two/.terraform.lock.hcl");
    writeFileSync(left, "");
    const { code } = await synth(configFolder("after", { "one.yaml": good }), { CDKTF_OUTDIR: outdir });
    expect({ code, left: existsSync(left) }).toEqual({ code: 0, left: true });
    expect(existsSync(join(outdir, "stacks/two/cdk.tf.json"))).toBe(true);
  });
});
