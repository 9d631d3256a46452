import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadStacks } from "../../stacks/config/load.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { type Bundles, bundleHandlers } from "../../stacks/constructs/functions/bundle.ts";
import { createStack, loadStackClasses } from "../../stacks/index.ts";
import { stubBundles } from "./synth.ts";

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

  it.each(stacks.map(({ name }) => name))("%s makes these resources", (name) => {
    const json = JSON.parse(synthesized.get(`/stacks/${name}/cdk.tf.json`) ?? "");
    for (const task of Object.values<Record<string, unknown>>(json.resource.aws_ecs_task_definition ?? {})) {
      const containers: { command?: string[] }[] = JSON.parse(String(task.container_definitions));
      task.container_definitions = containers.map((container) =>
        container.command?.[1] === "agent-fleets"
          ? { ...container, command: ["launcher.sh", "agent-fleets", "entry-point.sh"] }
          : container,
      );
    }
    expect(json).toMatchSnapshot();
  });

  it("is the same, byte for byte, on a second synth in another folder", async () => {
    const [first, second] = await Promise.all([bundleHandlers(), bundleHandlers()]);
    const once = synthesizeAll(join(folder, "once"), first);
    const again = synthesizeAll(join(folder, "where else"), second);
    expect([...again.keys()]).toEqual([...once.keys()]);
    for (const [path, content] of once) expect(again.get(path) === content, path).toBe(true);
  });

  it("is self-contained: no path of this machine, in the JSON or in the code of the functions", async () => {
    const files = synthesizeAll(join(folder, "paths"), await bundleHandlers());
    const code = [...files.keys()].filter((path) => path.endsWith("index.mjs"));
    for (const { name, config } of stacks) {
      const own = code.filter((path) => path.startsWith(`/stacks/${name}/`));
      expect(own.length > 0, name).toBe(config.kind.endsWith("-fleet"));
    }
    for (const [path, content] of files) {
      for (const machinePath of [process.cwd(), folder, `${tmpdir()}/`]) {
        expect(content.includes(machinePath), `${machinePath} in ${path}`).toBe(false);
      }
    }
  });
});
