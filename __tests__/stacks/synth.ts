import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as z from "zod";
import { wholeFleet } from "../../handlers/lib/core/overrides.ts";
import { type PoolSettings, parsePool } from "../../handlers/lib/settings/pool.ts";
import { stackConfig } from "../../stacks/config/schema.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import type { Bundles } from "../../stacks/constructs/functions/bundle.ts";
import { createStacks, loadStackClasses } from "../../stacks/index.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** Terraform JSON as cdktf writes it. */
export interface Synthesized {
  readonly terraform: Attributes;
  readonly provider: Readonly<Record<string, readonly Attributes[]>>;
  readonly variable?: Readonly<Record<string, Attributes>>;
  readonly output?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly resource: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
  readonly data: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
  readonly ephemeral?: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
  readonly removed?: readonly (readonly { readonly from: string; readonly lifecycle: unknown }[])[];
  readonly moved?: readonly (readonly { readonly from: string; readonly to: string }[])[];
}

/** Stands in for the real code where a test does not run it, and keeps snapshots free of its hash. */
export const stubBundles: Bundles = {
  autoscale: "export const handler = 'autoscale';",
  release: "export const handler = 'release';",
  retire: "export const handler = 'retire';",
  webhook: "export const handler = 'webhook';",
};

const classes = await loadStackClasses();

/** The least that an HCP fleet's file says. */
export const minimal = {
  kind: "ecs-fleet",
  region: "us-west-2",
  vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws" },
} as const;

/** Synthesizes one stack from what its file says. */
export function synthesize(config: unknown, name = "ci"): Synthesized {
  return synthesizeParsed(stackConfig.parse(config), name);
}

/** Synthesizes one stack from a config that has its defaults. */
export function synthesizeParsed(config: z.output<typeof stackConfig>, name: string): Synthesized {
  return synthesizeFolder([{ name, file: `config/${name}.yaml`, config }]).stack(name);
}

/** Synthesizes the stacks of one folder, and tells which is deployed after which. */
export function synthesizeTogether(configs: Readonly<Record<string, unknown>>) {
  return synthesizeFolder(
    Object.entries(configs).map(([name, config]) => ({
      name,
      file: `config/${name}.yaml`,
      config: stackConfig.parse(config),
    })),
  );
}

function synthesizeFolder(stacks: Parameters<typeof createStacks>[2]) {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  try {
    const app = new FleetApp(stubBundles, folder);
    createStacks(classes, app, stacks);
    app.synth();
    const read = (path: string) => JSON.parse(readFileSync(join(folder, path), "utf8"));
    const manifest: { stacks: Record<string, { dependencies: string[] }> } = read("manifest.json");
    const written = new Map<string, Synthesized>(stacks.map(({ name }) => [name, read(`stacks/${name}/cdk.tf.json`)]));
    return {
      stack(name: string): Synthesized {
        const stack = written.get(name);
        if (!stack) throw new Error(`no stack ${name}`);
        return stack;
      },
      after: Object.fromEntries(Object.entries(manifest.stacks).map(([name, stack]) => [name, stack.dependencies])),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All resources of a type. */
export function resources(stack: Synthesized, type: string): Attributes[] {
  return Object.values(stack.resource[type] ?? {});
}

/** The only resource of a type; fails where there are more or none. */
export function theOnly(stack: Synthesized, type: string): Attributes {
  const [first, ...others] = resources(stack, type);
  if (!first || others.length > 0) throw new Error(`expected one ${type}, found ${others.length + (first ? 1 : 0)}`);
  return first;
}

/**
 * The settings of each pool as its functions get them, by the id of its row.
 *
 * @param deployed puts in what Terraform knows
 */
export function settingsOf(
  stack: Synthesized,
  deployed: (text: string) => string = (text) => text,
): Readonly<Record<string, PoolSettings>> {
  const rows = resources(stack, "aws_dynamodb_table_item").map(({ item }) => JSON.parse(deployed(String(item))));
  return Object.fromEntries(rows.map(({ id, document }) => [id.S, parsePool(document.S)]));
}

/** The settings of a fleet with one pool. */
export function theSettings(stack: Synthesized, deployed?: (text: string) => string): PoolSettings {
  const { [wholeFleet]: found, ...others } = settingsOf(stack, deployed);
  if (!found || Object.keys(others).length > 0) throw new Error("expected the settings of one pool");
  return found;
}

/** One statement of an IAM policy. */
export interface PolicyStatement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** The statements of a policy in JSON. */
export function statements(policy: unknown): PolicyStatement[] {
  return JSON.parse(String(policy)).Statement;
}

/** The statements of the inline policy of the role whose resource id contains `role`. */
export function rightsOf(stack: Synthesized, role: string): PolicyStatement[] {
  const found = Object.entries(stack.resource.aws_iam_role_policy ?? {}).filter(([id]) => id.includes(role));
  if (found.length !== 1) throw new Error(`expected one policy of role ${role}, found ${found.length}`);
  return statements(found[0]?.[1].policy);
}
