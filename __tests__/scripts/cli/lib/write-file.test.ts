import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkWritable, writeWhole } from "../../../../scripts/cli/lib/write-file.ts";

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "fleet-write-"));
});

afterEach(() => rm(cwd, { recursive: true }));

const file = (name: string) => ({ option: "--html", name, cwd });

describe("a file that a command writes at its end", () => {
  it("is as it was until then", async () => {
    await writeFile(join(cwd, "old.html"), "old");
    checkWritable(file("old.html"));
    checkWritable(file("new.html"));
    expect(await readdir(cwd)).toEqual(["old.html"]);
    expect(await readFile(join(cwd, "old.html"), "utf8")).toBe("old");
  });

  it("is replaced whole, behind a link, too", async () => {
    await writeFile(join(cwd, "old.html"), "old");
    await symlink("old.html", join(cwd, "link.html"));
    writeWhole(file("link.html"), "new");
    writeWhole(file("other.html"), "other");
    expect((await lstat(join(cwd, "link.html"))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(cwd, "old.html"), "utf8")).toBe("new");
    expect((await readdir(cwd)).sort()).toEqual(["link.html", "old.html", "other.html"]);
  });

  it("may be a device", () => {
    expect(() => checkWritable(file("/dev/null"))).not.toThrow();
    expect(() => writeWhole(file("/dev/null"), "text")).not.toThrow();
  });

  it.each(["folder", "", "no/such.html"])("is refused with its option, and leaves nothing: %j", async (name) => {
    await mkdir(join(cwd, "folder"));
    const message = `--html ${name} cannot be written: `;
    expect(() => checkWritable(file(name))).toThrow(message);
    expect(() => writeWhole(file(name), "text")).toThrow(message);
    expect(await readdir(cwd)).toEqual(["folder"]);
  });
});
