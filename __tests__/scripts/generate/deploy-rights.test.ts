import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deployActions } from "../../../scripts/generate/deploy-actions.ts";
import { actionsIn, areas } from "../../../scripts/generate/deploy-rights.ts";
import { synthesizeShipped } from "../../stacks/linters/shipped.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
const stacks = [...(await synthesizeShipped(folder)).values()];
rmSync(folder, { recursive: true, force: true });

const made = new Set(
  stacks.flatMap(({ resource, data, ephemeral = {} }) => Object.keys({ ...resource, ...data, ...ephemeral })),
);
const listed = new Set(areas.flatMap(({ types }) => types));
/** The areas of each kind, as the page has them, and a type that stacks of this kind alone have. */
const areasOf = {
  "ecs-fleet": { mark: "aws_ecs_task_definition", names: ["Every stack", "Fleets", "Tasks", "Networks"] },
  "ec2-fleet": { mark: "aws_autoscaling_lifecycle_hook", names: ["Every stack", "Fleets", "Instances", "Networks"] },
  "ecs-cluster": {
    mark: "aws_ecs_capacity_provider",
    names: ["Every stack", "Tasks", "Instances", "Clusters", "Networks"],
  },
  "machine-image": {
    mark: "aws_imagebuilder_component",
    names: ["Every stack", "Instances", "Machine images", "Tasks"],
  },
} as const;
const clusters = new Set(stacks.filter(({ resource }) => resource.aws_ecs_capacity_provider));

describe("the rights to deploy", () => {
  it("cover every type of resource that the shipped configs make, look up or read", () => {
    expect(made.size).toBeGreaterThan(70);
    expect(
      [...made].filter((type) => !listed.has(type)),
      "add them to scripts/generate/deploy-actions.ts",
    ).toEqual([]);
  });

  it("list no type that no config makes", () => {
    expect([...listed].filter((type) => !made.has(type))).toEqual([]);
  });

  it("list a type once, with actions that are named in full", () => {
    expect(areas.flatMap(({ types }) => types)).toHaveLength(listed.size);
    for (const [type, text] of Object.values(deployActions).flatMap((types) => Object.entries(types))) {
      const actions = actionsIn(text);
      expect(
        actions.filter((action) => !/^[a-z0-9-]+:[A-Z]\w+$/.test(action)),
        type,
      ).toEqual([]);
      if (type.startsWith("aws_") && type !== "aws_partition") expect(actions, type).not.toEqual([]);
    }
  });

  it("are policies that IAM takes: at most 6,144 characters each, without white space", () => {
    for (const { name, actions } of areas) {
      const policy = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
      });
      expect(policy.length, name).toBeLessThanOrEqual(6144);
    }
  });

  it.each(Object.entries(areasOf))("%s needs no area but the page's", (kind, { mark, names }) => {
    const listed = new Set<string>(names);
    const types = new Set(areas.filter(({ name }) => listed.has(name)).flatMap((area) => area.types));
    const ofKind = stacks.filter((stack) => stack.resource[mark] && (kind === "ecs-cluster" || !clusters.has(stack)));
    expect(ofKind.length).toBeGreaterThan(0);
    for (const { resource, data } of ofKind) {
      expect(Object.keys({ ...resource, ...data }).filter((type) => !types.has(type))).toEqual([]);
    }
  });

  it.each(Object.entries(areasOf))("the page names the areas of %s", (kind, { names }) => {
    const row = readFileSync("docs/deploy-rights.md", "utf8").match(new RegExp(`^\\| \`${kind}\` \\|.*$`, "m"))?.[0];
    for (const name of names) expect(row).toContain(name);
  });
});
