import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

/** Programs of other versions of Node.js, as the npm packages `node@22` and `node@24` bring them. */
const variable = "AGENT_FLEETS_OTHER_NODES";
const nodes = (process.env[variable] ?? "").split(delimiter).filter((path) => path !== "");
if (nodes.length === 0) {
  process.stderr.write(`SKIPPED: synth and fleet on other versions of Node.js. Set ${variable} to their programs\n`);
}

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A place in which there is no program but the given ones. */
function environment(outdir: string, path = ""): NodeJS.ProcessEnv {
  return {
    PATH: path,
    AGENT_FLEETS_CONFIG: "config",
    CDKTF_OUTDIR: outdir,
    AGENT_FLEETS_LOCAL_STATE: "allow",
    AGENT_FLEETS_QUOTAS: "raised",
  };
}

/** All that a version of Node.js synthesizes: path → content. */
function synthesizedBy(node: string, outdir: string): Map<string, string> {
  execFileSync(node, ["scripts/synth.js"], { env: environment(outdir), stdio: "pipe" });
  const files = readdirSync(outdir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [path.slice(outdir.length), readFileSync(path, "utf8")]));
}

describe.skipIf(nodes.length === 0)("another version of Node.js", () => {
  it.each(nodes)("%s synthesizes every shipped config to the same files", (node) => {
    const index = nodes.indexOf(node);
    const ours = synthesizedBy(process.execPath, join(folder, `ours-${index}`));
    expect(ours.size).toBeGreaterThan(28);
    expect(synthesizedBy(node, join(folder, `theirs-${index}`))).toEqual(ours);
  });

  it.each(nodes)("%s deploys, plans and destroys by fleet", (node) => {
    const terraform = join(folder, "terraform");
    writeFileSync(terraform, '#!/bin/sh\necho "ran $1"\n', { mode: 0o755 });
    const output = join(folder, `fleet-${nodes.indexOf(node)}`);
    for (const [command, ran] of [
      ["deploy", "apply"],
      ["diff", "plan"],
      ["destroy", "destroy"],
    ] as const) {
      const more = command === "diff" ? [] : ["--auto-approve"];
      const args = ["scripts/cli/fleet.js", command, "hcp-minimal", ...more, "--output", output];
      const env = { ...environment(output, folder), TERRAFORM_BINARY_NAME: terraform };
      const stdout = execFileSync(node, args, { env, encoding: "utf8", stdio: "pipe" });
      expect(stdout).toMatch(new RegExp(`^ran init\nran ${ran}\n`));
    }
  });
});
