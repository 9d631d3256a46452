import type { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { ConfigError } from "./config/errors.ts";
import type { LoadedStack } from "./config/load.ts";
import { referencesOf } from "./config/references.ts";
import type { StackConfig } from "./config/schema.ts";
import { type Escaped, terraformTexts } from "./constructs/terraform-text.ts";

type ConfigByKind = { [Config in StackConfig as Config["kind"]]: Config };
type Kind = keyof ConfigByKind;

/** The class of each kind's stacks. */
type StackClasses = {
  readonly [K in Kind]: new (
    scope: Construct,
    name: string,
    config: Escaped<ConfigByKind[K]>,
  ) => TerraformStack;
};

/** Loaded when a config wants them: each brings provider classes along, which is what takes time in a synth. */
const kinds: { readonly [K in Kind]: () => Promise<StackClasses[K]> } = {
  "ecs-fleet": async () => (await import("./ecs-fleet.ts")).EcsFleetStack,
  "ec2-fleet": async () => (await import("./ec2-fleet.ts")).Ec2FleetStack,
  "ecs-cluster": async () => (await import("./ecs-cluster.ts")).EcsClusterStack,
  network: async () => (await import("./network.ts")).NetworkStack,
  "machine-image": async () => (await import("./machine-image.ts")).MachineImageStack,
};

/** The classes that stacks of some kinds need; without `wanted`, all there are. */
export async function loadStackClasses(
  wanted: readonly Kind[] = Object.keys(kinds) as Kind[],
): Promise<Partial<StackClasses>> {
  const classes = [...new Set(wanted)].map(async (kind) => [kind, await kinds[kind]()] as const);
  return Object.fromEntries(await Promise.all(classes));
}

/**
 * Makes the stacks that config files describe; each is deployed after those of them that it stands on. Not after those whose
 * images it uses: a deployment builds none.
 */
export function createStacks(classes: Partial<StackClasses>, scope: Construct, stacks: readonly LoadedStack[]): void {
  const made = new Map(stacks.map((stack) => [stack.name, createStack(classes, scope, stack)]));
  for (const { name, config } of stacks) {
    for (const { stack, kind } of referencesOf(config)) {
      const needed = kind === "machine-image" ? undefined : made.get(stack);
      if (needed) made.get(name)?.addDependency(needed);
    }
  }
}

/**
 * Makes the stack that a config file describes. What stands in the file is text, never a Terraform expression.
 *
 * @throws ConfigError where AWS would refuse what becomes of the config
 */
export function createStack<K extends Kind>(
  classes: Partial<StackClasses>,
  scope: Construct,
  { name, file, config }: Omit<LoadedStack, "config"> & { readonly config: ConfigByKind[K] & { kind: K } },
): TerraformStack {
  const Stack = classes[config.kind];
  if (!Stack) throw new Error(`load the class of kind ${config.kind} first`);
  try {
    return new Stack(scope, name, terraformTexts<ConfigByKind[K]>(config));
  } catch (error) {
    throw error instanceof ConfigError ? error.in(file) : error;
  }
}
