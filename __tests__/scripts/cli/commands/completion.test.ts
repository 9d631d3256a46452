import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fleet } from "../harness.ts";

const script = fileURLToPath(new URL("../../../../scripts/cli/fleet.js", import.meta.url));
let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  // Broken files count too: whoever completes a name may be about to look at its fault.
  for (const name of ["ci-agents", "ci-large", "builds"]) await writeFile(join(cwd, `${name}.yaml`), "kind: nothing\n");
  for (const name of ["$(touch hacked)", "a;b", "with blank", "UPPER"]) await writeFile(join(cwd, `${name}.yaml`), "");
});
afterAll(() => rm(cwd, { recursive: true }));

async function valuesAfter(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await fleet(["complete", "--", ...words], {
    cwd,
    env: { AGENT_FLEETS_CONFIG: "." },
  });
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  for (const line of lines) expect(line).toMatch(/^[^\t]+\t[^\t]*$/);
  return lines.map((line) => line.split("\t")[0] ?? "");
}

describe("what may come next", () => {
  it.each<[words: string[], expected: string[]]>([
    [["dr"], ["drain"]],
    [
      ["hcp", "notifications", ""],
      ["add", "help"],
    ],
    [
      ["drain", ""],
      ["builds", "ci-agents", "ci-large"],
    ],
    [
      ["drain", "ci-"],
      ["ci-agents", "ci-large"],
    ],
    [["deploy", "ci-agents", "b"], ["builds"]],
    [["drain", "ci-agents", ""], []],
    [["drain", "--timeout", ""], []],
    [["drain", "--timeout", "2h", "b"], ["builds"]],
    [["--json", "drain", "b"], ["builds"]],
    [["drain", "--u"], ["--undo"]],
    [["hcp", "notifications", "add", "acme", "--triggers", "m"], ["minimal"]],
    [["hcp", "notifications", "add", "acme", "--triggers", "=", "m"], ["minimal"]],
    [
      ["hcp", "notifications", "add", "acme", "--triggers", "="],
      ["all", "minimal"],
    ],
    [["hcp", "token", "create", "--store", "bu"], ["builds"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["nothing", "x", ""], []],
  ])("after %j", async (words, expected) => {
    expect(await valuesAfter(...words)).toEqual(expected);
  });

  it("all commands but hidden ones, and the options of a command and those above it", async () => {
    expect(await valuesAfter("")).toEqual(expect.arrayContaining(["drain", "retire", "secret", "hcp", "completion"]));
    expect(await valuesAfter("")).not.toContain("complete");
    expect(await valuesAfter("hcp", "run", "-")).toEqual(expect.arrayContaining(["--plan-only", "--host", "--json"]));
  });

  it("no stacks where there is no folder of configs", async () => {
    const { code, stdout } = await fleet(["complete", "--", "drain", ""], { cwd: join(cwd, "missing") });
    expect([code, stdout]).toEqual([0, ""]);
  });
});

describe("the script", () => {
  it("is one for the shell that is named", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = await fleet(["completion", shell]);
      expect([code, stdout]).toEqual([0, expect.stringContaining("fleet complete -- ")]);
      expect(stdout).not.toContain("eval");
      expect(JSON.parse((await fleet(["--json", "completion", shell])).stdout)).toEqual({
        shell,
        script: stdout.trimEnd(),
      });
    }
    expect((await fleet(["completion", "tcsh"])).code).toBe(1);
  });

  it("is right for bash", async () => {
    const { stdout } = await fleet(["completion", "bash"]);
    expect(spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it("completes in bash, also when it is read twice, and runs nothing of what was typed", async () => {
    const { stdout } = await fleet(["completion", "bash"]);
    const typed = ["fleet", "drain", "--timeout", "$(touch typed)", "ci"];
    const lines = [
      `fleet() { ${JSON.stringify(process.execPath)} ${JSON.stringify(script)} "$@"; }`,
      stdout,
      stdout,
      `COMP_WORDS=(${typed.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=4; _fleet_complete`,
      'printf "%s\\n" "${COMPREPLY[@]}"; complete -p fleet',
    ];
    const env = { PATH: process.env.PATH, AGENT_FLEETS_CONFIG: "." };
    const printed = execFileSync("bash", ["--norc", "-c", lines.join("\n")], { cwd, env, encoding: "utf8" });
    expect(printed.trim().split("\n")).toEqual([
      "ci-agents",
      "ci-large",
      "complete -o default -F _fleet_complete fleet",
    ]);
    expect(["typed", "hacked"].some((file) => existsSync(join(cwd, file)))).toBe(false);
  });
});
