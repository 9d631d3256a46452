import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fingerprintOf, keepLast } from "../../stacks/constructs/functions/bundle-cache.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a fingerprint", () => {
  const write = (path: string, content: string) => writeFileSync(join(folder, path), content);
  const fingerprint = () => fingerprintOf([join(folder, "handlers"), join(folder, "lock.json")]);
  beforeEach(() => {
    mkdirSync(join(folder, "handlers/lib/core"), { recursive: true });
    write("handlers/index.ts", "one");
    write("handlers/lib/core/scaling.ts", "two");
    write("lock.json", "{}");
  });

  it("stays while nothing changes", async () => {
    const first = await fingerprint();
    write("handlers/index.ts", "one");
    write("elsewhere.ts", "of no account");
    expect(await fingerprint()).toBe(first);
  });

  it.each([
    ["a file in a folder", () => write("handlers/lib/core/scaling.ts", "three")],
    ["a file of its own", () => write("lock.json", "[]")],
    ["a new file", () => write("handlers/lib/core/new.ts", "")],
    ["a file that is gone", () => rmSync(join(folder, "handlers/index.ts"))],
    [
      "content that moves from one file to the next",
      () => {
        write("handlers/lib/core/scaling.ts", "");
        write("handlers/index.ts", "onetwo");
      },
    ],
  ])("changes with %s", async (_, change) => {
    const first = await fingerprint();
    change();
    expect(await fingerprint()).not.toBe(first);
  });

  it("is none where a file is missing", async () => {
    rmSync(join(folder, "lock.json"));
    await expect(fingerprint()).rejects.toThrow("ENOENT");
  });
});

describe("what was made", () => {
  let makings: number;
  beforeEach(() => {
    makings = 0;
  });
  const file = () => join(folder, "deep/handlers.json");
  const ask = (fingerprint: string) => keepLast(file(), fingerprint, async () => ({ autoscale: `${++makings}` }));

  it("is taken again while the fingerprint is the same", async () => {
    expect(await ask("a")).toEqual({ autoscale: "1" });
    expect(await ask("a")).toEqual({ autoscale: "1" });
    expect(readdirSync(join(folder, "deep"))).toEqual(["handlers.json"]);
  });

  it("is made anew under another, and the old is forgotten", async () => {
    await ask("a");
    expect(await ask("b")).toEqual({ autoscale: "2" });
    expect(await ask("a")).toEqual({ autoscale: "3" });
  });

  it("is made anew when the file is broken", async () => {
    await ask("a");
    writeFileSync(file(), '{"fingerprint":"a","made":');
    expect(await ask("a")).toEqual({ autoscale: "2" });
  });

  it("comes out where it cannot be kept", async () => {
    writeFileSync(join(folder, "deep"), "no folder");
    expect(await ask("a")).toEqual({ autoscale: "1" });
    expect(await ask("a")).toEqual({ autoscale: "2" });
  });

  it("is not kept when making it fails", async () => {
    const failing = keepLast(file(), "a", () => Promise.reject(new Error("no such handler")));
    await expect(failing).rejects.toThrow("no such handler");
    expect(await ask("a")).toEqual({ autoscale: "1" });
  });
});
