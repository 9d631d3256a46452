import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { SynthesizedStack } from "./synthesized.ts";

/** A resource or data source as the synth wrote it. Values may be Terraform's expressions, such as `${aws_vpc.x.id}`. */
export type Block = Readonly<Record<string, unknown>>;

const blocks = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));
const stackFile = z.object({
  resource: blocks.default({}),
  data: blocks.default({}),
  terraform: z
    .object({
      required_version: z.string().optional(),
      backend: z.record(z.string(), z.unknown()).optional(),
      cloud: z.unknown().optional(),
    })
    .optional(),
});

/** What a stack makes and looks up, as the synth wrote it. */
export interface TerraformStack {
  /** The versions of Terraform that may deploy it, such as `>= 1.11.0`. */
  readonly requiredTerraform: string | undefined;
  /** Where its state is: `local`, `s3`, `cloud`. `undefined`: the file says nothing. */
  readonly backend: string | undefined;
  /** The resources of a type, such as `aws_nat_gateway`, by their names in Terraform. */
  resources(type: string): ReadonlyMap<string, Block>;
  /** The data sources of a type. */
  data(type: string): ReadonlyMap<string, Block>;
  /** The block that an expression such as `${data.aws_ami.x.id}` reads. `undefined`: it is none, or of no block here. */
  referred(expression: unknown): { readonly type: string; readonly block: Block } | undefined;
}

/** Reads a stack's `cdk.tf.json`. */
export function readTerraformStack({ folder }: Pick<SynthesizedStack, "folder">): TerraformStack {
  return terraformStack(readFileSync(join(folder, "cdk.tf.json"), "utf8"));
}

/** A stack of this JSON. */
export function terraformStack(json: string): TerraformStack {
  const { resource, data, terraform } = stackFile.parse(JSON.parse(json));
  const of = (all: z.output<typeof blocks>, type: string) => new Map(Object.entries(all[type] ?? {}));
  return {
    requiredTerraform: terraform?.required_version,
    backend: terraform?.cloud === undefined ? Object.keys(terraform?.backend ?? {})[0] : "cloud",
    resources: (type) => of(resource, type),
    data: (type) => of(data, type),
    referred(expression) {
      const [, source, type = "", name = ""] =
        /^\$\{(data\.)?([a-z][a-z0-9_]*)\.([\w-]+)\.[\w.]+\}$/.exec(String(expression)) ?? [];
      const block = of(source ? data : resource, type).get(name);
      return block && { type, block };
    },
  };
}
