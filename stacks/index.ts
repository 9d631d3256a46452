import type { Construct } from "constructs";
import type { TerraformStack } from "#cdktf";
import { ConfigError } from "./config/errors.ts";
import type { LoadedStack } from "./config/load.ts";
import { referencesOf } from "./config/references.ts";
import type { StackConfig } from "./config/schema.ts";
import { checkPolicySizes } from "./constructs/policy-sizes.ts";
import { type Escaped, terraformTexts } from "./constructs/terraform-text.ts";

type ConfigByKind = { [Config in StackConfig as Config["kind"]]: Config };
type Kind = keyof ConfigByKind;

/** The stack class of each kind. */
type StackClasses = {
  readonly [K in Kind]: new (
    scope: Construct,
    name: string,
    config: Escaped<ConfigByKind[K]>,
  ) => TerraformStack;
};

/** Loaded only if a config needs them, because loading their provider classes takes most of a synth's time. */
const kinds: { readonly [K in Kind]: () => Promise<StackClasses[K]> } = {
  "ecs-fleet": async () => (await import("./ecs-fleet.ts")).EcsFleetStack,
  "ec2-fleet": async () => (await import("./ec2-fleet.ts")).Ec2FleetStack,
  "ecs-cluster": async () => (await import("./ecs-cluster.ts")).EcsClusterStack,
  network: async () => (await import("./network.ts")).NetworkStack,
  "machine-image": async () => (await import("./machine-image.ts")).MachineImageStack,
};

/** The classes for some kinds of stacks; without `wanted`, for all kinds. */
export async function loadStackClasses(
  wanted: readonly Kind[] = Object.keys(kinds) as Kind[],
): Promise<Partial<StackClasses>> {
  const classes = [...new Set(wanted)].map(async (kind) => [kind, await kinds[kind]()] as const);
  return Object.fromEntries(await Promise.all(classes));
}

/**
 * Makes the stacks of the config files. Each is deployed after those that it depends on, but not after a stack whose
 * image it uses: a deployment builds no image.
 *
 * @returns warnings about what AWS takes only after it has raised a quota, one line each
 * @throws ConfigError if AWS would refuse one of them
 */
export function createStacks(
  classes: Partial<StackClasses>,
  scope: Construct,
  stacks: readonly LoadedStack[],
): readonly string[] {
  const created = stacks.map((stack) => ({ name: stack.name, ...createStack(classes, scope, stack) }));
  const made = new Map(created.map(({ name, stack }) => [name, stack]));
  for (const { name, config } of stacks) {
    for (const { stack, kind } of referencesOf(config)) {
      const needed = kind === "machine-image" ? undefined : made.get(stack);
      if (needed) made.get(name)?.addDependency(needed);
    }
  }
  return created.flatMap(({ warnings }) => warnings);
}

/**
 * Makes the stack of a config file. Values in the file are text, never Terraform expressions.
 *
 * @throws ConfigError if AWS would refuse the result
 */
export function createStack<K extends Kind>(
  classes: Partial<StackClasses>,
  scope: Construct,
  { name, file, config }: Omit<LoadedStack, "config"> & { readonly config: ConfigByKind[K] & { kind: K } },
): { readonly stack: TerraformStack; readonly warnings: readonly string[] } {
  const Stack = classes[config.kind];
  if (!Stack) throw new Error(`load the class of kind ${config.kind} first`);
  try {
    const stack = new Stack(scope, name, terraformTexts<ConfigByKind[K]>(config));
    return { stack, warnings: checkPolicySizes(stack, config).map((warning) => `${file}: ${warning}`) };
  } catch (error) {
    throw error instanceof ConfigError ? error.in(file) : error;
  }
}
