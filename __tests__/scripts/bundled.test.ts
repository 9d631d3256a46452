import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ours = join(import.meta.dirname, "../..");

/** A project with the script that bundles, and a small program. */
let project: string;
const write = (path: string, content: string) => writeFileSync(join(project, path), content);
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "bundled-"));
  mkdirSync(join(project, "node_modules/pack"), { recursive: true });
  symlinkSync(join(ours, "node_modules/esbuild"), join(project, "node_modules/esbuild"), "junction");
  for (const path of ["scripts/bundled.js", "tsconfig.json"]) cpSync(join(ours, path), join(project, path));
  write("package.json", '{ "type": "module", "imports": { "#word": "./word.ts" } }');
  write("node_modules/.package-lock.json", "{}");
  write("node_modules/pack/package.json", "{}");
  write("node_modules/pack/index.js", "module.exports = { pack: 'packed' };");
  write("word.ts", 'export const word: string = "one";');
  write("other.ts", 'export const word: string = "six";');
  write(
    "program.ts",
    'import { pack } from "pack"; import { word } from "#word"; await null; console.log(word, pack, import.meta.url);',
  );
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

function run(program = join(project, "program.ts")) {
  const script = `import { runBundled } from ${JSON.stringify(pathToFileURL(join(project, "scripts/bundled.js")).href)};
    await runBundled(${JSON.stringify(program)}); console.log("over");`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: tmpdir(),
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** A successful run in which the program says this word. */
function says(word: string) {
  const url = pathToFileURL(join(project, "program.ts")).href;
  return { status: 0, stdout: `${word} packed ${url}\nover\n`, stderr: "" };
}

const cache = () => join(project, "node_modules/.cache/agent-fleets");
const keptFile = (ending: ".json" | ".v8") =>
  join(cache(), readdirSync(cache()).find((file) => file.endsWith(ending)) ?? `no file ${ending}`);
const bundle = () => JSON.parse(readFileSync(keptFile(".json"), "utf8")) as { id: string; code: string };

describe("a program that runs as a bundle", () => {
  it("is bundled and compiled once while nothing changes", () => {
    expect(run()).toEqual(says("one"));
    const kept = [".json", ".v8"] as const;
    const before = kept.map((ending) => readFileSync(keptFile(ending)));
    expect(run()).toEqual(says("one"));
    expect(kept.map((ending) => readFileSync(keptFile(ending)).equals(before[kept.indexOf(ending)] as Buffer))).toEqual(
      [true, true],
    );
    expect(readdirSync(cache())).toHaveLength(2);
  });

  it("is run from what is kept: no source is compiled again", () => {
    run();
    write("node_modules/pack/index.js", "module.exports = { pack: 'patched by hand' };");
    expect(run()).toEqual(says("one"));
  });

  it.each([
    ["a source of the same length", () => write("word.ts", 'export const word: string = "two";'), "two"],
    ["package.json", () => write("package.json", '{ "type": "module", "imports": { "#word": "./other.ts" } }'), "six"],
    ["npm's list of packages", () => write("node_modules/.package-lock.json", '{ "name": "new" }'), "one"],
    ["tsconfig.json", () => write("tsconfig.json", "{}"), "one"],
  ])("is bundled anew after a change of %s", (_, change, word) => {
    run();
    const { id } = bundle();
    change();
    expect(run()).toEqual(says(word));
    expect(bundle().id).not.toBe(id);
    expect(run()).toEqual(says(word));
  });

  it("is bundled anew when a source is gone, and says so", () => {
    run();
    rmSync(join(project, "word.ts"));
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining("#word") });
  });

  it("runs when what is kept is broken", () => {
    run();
    writeFileSync(keptFile(".json"), '{"id":');
    expect(run()).toEqual(says("one"));
    const whole = readFileSync(keptFile(".v8"));
    for (const broken of [
      whole.subarray(0, 50),
      Buffer.from("short"),
      Buffer.concat([whole.subarray(0, 36), Buffer.from("x")]),
    ]) {
      writeFileSync(keptFile(".v8"), broken);
      expect(run()).toEqual(says("one"));
      expect(readFileSync(keptFile(".v8")).byteLength).toBeGreaterThan(100);
    }
  });

  it("runs, and keeps nothing, where npm did not install the packages", () => {
    rmSync(join(project, "node_modules/.package-lock.json"));
    expect(run()).toEqual(says("one"));
    expect(existsSync(cache())).toBe(false);
    write("word.ts", 'export const word: string = "two";');
    expect(run()).toEqual(says("two"));
  });

  it("runs where nothing can be kept", () => {
    write("node_modules/.cache", "no folder");
    expect(run()).toEqual(says("one"));
  });

  it("has its own bundle, beside that of other programs", () => {
    write("second.ts", 'console.log("second");');
    run();
    expect(run(join(project, "second.ts")).stdout).toBe("second\nover\n");
    expect(run()).toEqual(says("one"));
    expect(readdirSync(cache())).toHaveLength(4);
  });

  it("has CDKTF note ten frames with a token", () => {
    const file = "node_modules/cdktf/lib/tokens/private/stack-trace.js";
    cpSync(join(ours, file), join(project, file));
    write("node_modules/cdktf/package.json", "{}");
    write(
      "program.ts",
      `import { captureStackTrace } from "../${basename(project)}/${file}";
       const deep = (calls: number): string[] => (calls === 0 ? captureStackTrace() : deep(calls - 1));
       console.log(deep(30).length, Error.stackTraceLimit);`,
    );
    expect(run().stdout).toBe("10 10\nover\n");
  });

  it("fails with its own error", () => {
    write("program.ts", 'throw new Error("its own");');
    expect(run()).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("Error: its own") });
  });
});
