import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

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

describe("in a clone", () => {
  let clone: string;
  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), "clone-"));
  });
  afterEach(() => rmSync(clone, { recursive: true }));

  function start(program: string) {
    for (const path of ["package.json", "scripts/node-version.js", "scripts/packages.js", program]) {
      cpSync(join(root, path), join(clone, path));
    }
    const { status, stderr } = spawnSync(process.execPath, [program], { cwd: clone, encoding: "utf8" });
    return { status, stderr };
  }

  it.each(["scripts/synth.js", "scripts/cli/fleet.js"])("%s says what one without its packages needs", (program) => {
    expect(start(program)).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^agent-fleets has no packages yet\. Run "npm ci" in .*, and let it end\.\n$/),
    });
  });

  it.each(["scripts/synth.js", "scripts/cli/fleet.js"])("%s says it where npm ci was cut off", (program) => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const name of Object.keys(dependencies)) {
      mkdirSync(join(clone, "node_modules", name), { recursive: true });
      if (name !== "zod") writeFileSync(join(clone, "node_modules", name, "package.json"), "{}");
    }
    expect(start(program)).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^agent-fleets lacks packages \(zod\)\. Run "npm ci" in .*, and let it end\.\n$/),
    });
  });
});

it.each(["20.19.0", "22.0.0", "24.1.0"])("runs on %s, as package.json says", (version) => {
  expect(runOn(version, "scripts/node-version.js")).toEqual({ status: 0, stderr: "" });
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(engines.node).toBe(">=20.19");
});
