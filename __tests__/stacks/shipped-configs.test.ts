import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadStacks } from "../../stacks/config/load.ts";
import { stackConfig } from "../../stacks/config/schema.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { type Bundles, bundleHandlers } from "../../stacks/constructs/functions/bundle.ts";
import { createStack, loadStackClasses } from "../../stacks/index.ts";
import { stubBundles } from "./synth.ts";

interface TerraformJson {
  readonly resource: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly data?: Readonly<Record<string, object>>;
  readonly variable?: object;
  readonly output?: object;
}

/** Stacks whose snapshot is all of their JSON, one of each kind; of others it is the addresses alone. */
const whole = new Set([
  "hcp-minimal",
  "semaphore-minimal",
  "cluster-minimal",
  "network-shared",
  "machine-image-semaphore",
]);
const snapshotOf = (name: string) => `__snapshots__/${name}.${whole.has(name) ? "json" : "txt"}`;

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { stacks } = loadStacks({ env: {}, cwd: process.cwd() });
const classes = await loadStackClasses();

/** All files of all stacks, path → content. */
function synthesizeAll(outdir: string, bundles: Bundles): Map<string, string> {
  const app = new FleetApp(bundles, outdir);
  for (const stack of stacks) createStack(classes, app, stack);
  app.synth();
  const files = readdirSync(join(outdir, "stacks"), { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(outdir.length), readFileSync(path, "utf8")] as const;
    }),
  );
}

describe("every file in config/", () => {
  it("there is a minimal one of at most 12 lines, a full one, one for notifications and one for the cloud backend", () => {
    expect(stacks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["hcp-minimal", "hcp-full", "hcp-notifications", "hcp-cloud"]),
    );
    expect(readFileSync("config/hcp-minimal.yaml", "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(12);
  });

  const synthesized = synthesizeAll(join(folder, "stubs"), stubBundles);

  it.each(stacks.map(({ name }) => name))("%s makes what its snapshot says", async (name) => {
    const json = JSON.parse(synthesized.get(`/stacks/${name}/cdk.tf.json`) ?? "");
    const text = whole.has(name) ? `${JSON.stringify(withoutPrograms(json), null, 2)}\n` : addressesIn(json);
    await expect(text).toMatchFileSnapshot(snapshotOf(name));
  });

  it.each(stacks.map(({ name }) => name))("%s is in a form that checkov reads, and Terraform too", (name) => {
    const { terraform, moved = [] } = JSON.parse(synthesized.get(`/stacks/${name}/cdk.tf.json`) ?? "");
    // checkov takes each of these for a block, and gives up the whole stack at a text.
    for (const block of Object.values(terraform)) expect(block).toBeTypeOf("object");
    for (const block of moved) expect(block).toEqual([{ from: expect.any(String), to: expect.any(String) }]);
    expect(synthesized.get(`/stacks/${name}/versions.tf`)).toMatch(
      /^terraform \{\n {2}required_version = ">= 1\.11\.0"\n}\n$/,
    );
  });

  it("leaves no snapshot behind when it is gone", () => {
    const wanted = new Set(stacks.map(({ name }) => snapshotOf(name)));
    const written = readdirSync("__tests__/stacks/__snapshots__").map((file) => `__snapshots__/${file}`);
    const left = written.filter((file) => !wanted.has(file));
    expect(left, "delete these snapshots in __tests__/stacks: their config is gone").toEqual([]);
  });

  it("has the whole JSON of one of each kind in a snapshot", () => {
    const kinds = stacks.filter(({ name }) => whole.has(name)).map(({ config }) => config.kind);
    expect(kinds.sort()).toEqual(stackConfig.options.map(({ shape }) => shape.kind.value).sort());
  });

  describe("with the code of its functions", async () => {
    const [first, second] = await Promise.all([bundleHandlers(), bundleHandlers()]);
    const once = synthesizeAll(join(folder, "once"), first);

    it("is the same, byte for byte, on a second synth in another folder", () => {
      const again = synthesizeAll(join(folder, "where else"), second);
      expect([...again.keys()]).toEqual([...once.keys()]);
      for (const [path, content] of once) expect(again.get(path) === content, path).toBe(true);
    });

    it("is self-contained: no path of this machine, in the JSON or in the code of the functions", () => {
      const code = [...once.keys()].filter((path) => path.endsWith("index.mjs"));
      for (const { name, config } of stacks) {
        const own = code.filter((path) => path.startsWith(`/stacks/${name}/`));
        expect(own.length > 0, name).toBe(config.kind.endsWith("-fleet"));
      }
      for (const [path, content] of once) {
        for (const machinePath of [process.cwd(), folder, `${tmpdir()}/`]) {
          expect(content.includes(machinePath), `${machinePath} in ${path}`).toBe(false);
        }
      }
    });
  });
});

/** The addresses of all that a stack declares, as `terraform state list` shows them, one a line. */
function addressesIn({ resource, data, variable, output }: TerraformJson): string {
  const addresses = [
    ...addressesOf(resource),
    ...addressesOf(data).map((address) => `data.${address}`),
    ...Object.keys(variable ?? {}).map((name) => `var.${name}`),
    ...Object.keys(output ?? {}).map((name) => `output.${name}`),
  ];
  return `${addresses.sort().join("\n")}\n`;
}

function addressesOf(types: Readonly<Record<string, object>> = {}): string[] {
  return Object.entries(types).flatMap(([type, named]) => Object.keys(named).map((name) => `${type}.${name}`));
}

/** The JSON with the agents' entry points left out: `agents/` has them in readable form. */
function withoutPrograms({ resource, ...rest }: TerraformJson): TerraformJson {
  const { aws_ecs_task_definition: tasks, ...others } = resource;
  if (!tasks) return { resource, ...rest };
  const shortened = Object.entries(tasks).map(([id, task]) => {
    const containers: { command?: string[] }[] = JSON.parse(String(task.container_definitions));
    const container_definitions = containers.map((container) =>
      container.command?.[1] === "agent-fleets"
        ? { ...container, command: ["launcher.sh", "agent-fleets", "entry-point.sh"] }
        : container,
    );
    return [id, { ...task, container_definitions }];
  });
  return { resource: { ...others, aws_ecs_task_definition: Object.fromEntries(shortened) }, ...rest };
}
