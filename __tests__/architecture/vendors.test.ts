import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { vendorRuntime } from "../../handlers/lib/settings/vendors.ts";
import { missingParts, vendorFiles, vendorRegistries } from "./vendor-parts.ts";

const root = process.cwd();
const empty = mkdtempSync(join(tmpdir(), "agent-fleets-vendor-"));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

describe("a vendor", () => {
  it.each(vendorRuntime.options.map(({ shape }) => shape.type.value))("has all its parts: %s", (id) => {
    expect(missingParts(root, id)).toEqual([]);
  });

  it("that lacks parts is told which, the fake and the contract suite among them", () => {
    expect(missingParts(empty, "novel")).toEqual([
      "add handlers/lib/settings/vendors/novel.ts: the settings of the runtime half, as a schema",
      "add handlers/lib/vendors/novel/client.ts: the runtime half: its demand and its agents",
      "add stacks/config/vendors/novel.ts: the one object with all facts that configs need (defineVendor)",
      "add stacks/vendors/novel.ts: the synth half: its secrets, container or instance",
      "add agents/novel/README.md: the files that run on the machine",
      "add __tests__/fakes/novel.ts: a fake of its API over HTTP",
      "add __tests__/contract/novel.test.ts: the contract suite over the fake (describeVendorContract)",
      "add config/novel.yaml: an example config of vendor novel",
    ]);
  });

  it("is made of what ADR 11 lists", () => {
    const adr = readFileSync(join(root, "docs/adr/0011-what-a-vendor-is-made-of.md"), "utf8");
    const parts = [...vendorFiles.filter(({ optional }) => !optional), ...vendorRegistries].map(({ path }) => path);
    expect(parts.filter((path) => !adr.includes(`\`${path}\``))).toEqual([]);
  });
});
