import { readFileSync, rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { copyProject, type VendorLines } from "./vendor-copy.ts";
import { vendorRegistries } from "./vendor-parts.ts";

const templates = "__tests__/fixtures/stub-vendor";
const settings = "handlers/lib/settings/vendors.ts";
/** Ten times as long as it takes on a machine with other work to do. */
const timeout = 300_000;

const stubs: Readonly<Record<string, VendorLines & { readonly template: string }>> = {
  "stub-containers": {
    template: "containers",
    settings: "stubContainersRuntime",
    client: "createStubContainers",
    retirement: undefined,
    webhook: undefined,
    config: "stubContainersVendor",
    synth: "stubContainers",
  },
  "stub-instances": {
    template: "instances",
    settings: "stubInstancesRuntime",
    client: "createStubInstances",
    retirement: "createStubInstancesRetirement",
    webhook: undefined,
    config: "stubInstancesVendor",
    synth: "stubInstances",
  },
};

describe("a vendor of each shape, added by the list", () => {
  const copy = copyProject(process.cwd());
  afterAll(() => rmSync(copy.folder, { recursive: true, force: true }));
  // Without the tests of everything else, which take the compiler several times as long.
  copy.write(
    "tsconfig.stubs.json",
    JSON.stringify({
      extends: "./tsconfig.json",
      include: ["main.ts", "stacks", "handlers", "scripts/cli", "__tests__/contract", "__tests__/stub-vendors.test.ts"],
    }),
  );
  for (const [id, { template }] of Object.entries(stubs)) copy.addFiles(id, `${templates}/${template}`);
  copy.write("__tests__/stub-vendors.test.ts", readFileSync(`${templates}/drive.ts`, "utf8"));

  it("does not compile while a registry lacks its line, and the compiler names each of them", { timeout }, async () => {
    for (const [id, lines] of Object.entries(stubs)) copy.addLines(id, lines, [settings]);
    const { code, output } = await copy.run("tsc", "-p", "tsconfig.stubs.json");
    expect(code).not.toBe(0);
    const others = vendorRegistries.map(({ path }) => path).filter((path) => path !== settings);
    for (const path of others) expect(output, path).toContain(`${path}(`);
  });

  it("compiles with all its lines, keeps the contract and scales a fleet", { timeout }, async () => {
    const others = vendorRegistries.map(({ path }) => path).filter((path) => path !== settings);
    for (const [id, lines] of Object.entries(stubs)) copy.addLines(id, lines, others);
    const files = [
      ...Object.keys(stubs).map((id) => `__tests__/contract/${id}.test.ts`),
      "__tests__/stub-vendors.test.ts",
      "__tests__/architecture/vendors.test.ts",
    ];
    const outcomes = await Promise.all([
      copy.run("tsc", "-p", "tsconfig.stubs.json"),
      copy.run("vitest", "run", ...files),
    ]);
    for (const { code, output } of outcomes) expect(code, output).toBe(0);
    const ran = outcomes.map(({ output }) => output).join("\n");
    for (const file of files) expect(ran).toContain(file);
  });
});
