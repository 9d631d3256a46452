import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Runs a program on a Node.js that says it is of this version. */
function runOn(version: string, program: string) {
  const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, program];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { status, stderr };
}

it.each([
  "scripts/synth.js",
  "scripts/cli/fleet.js",
])("%s names an old Node.js before anything fails on it", (program) => {
  const stderr = "agent-fleets needs Node.js 20.19 or later, and this is 20.18.3.\n";
  expect(runOn("20.18.3", program)).toEqual({ status: 1, stderr });
});

it.each(["scripts/synth.js", "scripts/cli/fleet.js"])("%s says what a clone without its packages needs", (program) => {
  const clone = mkdtempSync(join(tmpdir(), "clone-"));
  try {
    for (const path of ["package.json", "scripts/node-version.js", "scripts/packages.js", program]) {
      cpSync(join(root, path), join(clone, path));
    }
    const { status, stderr } = spawnSync(process.execPath, [program], { cwd: clone, encoding: "utf8" });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^agent-fleets has no packages yet\. Run "npm ci" in .*\.\n$/),
    });
  } finally {
    rmSync(clone, { recursive: true });
  }
});

it.each(["20.19.0", "22.0.0", "24.1.0"])("runs on %s, as package.json says", (version) => {
  expect(runOn(version, "scripts/node-version.js")).toEqual({ status: 0, stderr: "" });
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(engines.node).toBe(">=20.19");
});
