import type { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { referencesOf } from "./config/references.ts";
import type { StackConfig } from "./config/schema.ts";
import { terraformTexts } from "./constructs/terraform-text.ts";
import { Ec2FleetStack } from "./ec2-fleet.ts";
import { EcsClusterStack } from "./ecs-cluster.ts";
import { EcsFleetStack } from "./ecs-fleet.ts";
import { NetworkStack } from "./network.ts";

type ConfigByKind = { [Config in StackConfig as Config["kind"]]: Config };

const kinds: {
  readonly [Kind in keyof ConfigByKind]: new (
    scope: Construct,
    name: string,
    config: ConfigByKind[Kind],
  ) => TerraformStack;
} = {
  "ecs-fleet": EcsFleetStack,
  "ec2-fleet": Ec2FleetStack,
  "ecs-cluster": EcsClusterStack,
  network: NetworkStack,
};

/** Makes the stacks that config files describe; each is deployed after those of them that it stands on. */
export function createStacks(
  scope: Construct,
  stacks: readonly { readonly name: string; readonly config: StackConfig }[],
): void {
  const made = new Map(stacks.map(({ name, config }) => [name, createStack(scope, name, config)]));
  for (const { name, config } of stacks) {
    for (const { stack } of referencesOf(config)) {
      const needed = made.get(stack);
      if (needed) made.get(name)?.addDependency(needed);
    }
  }
}

/** Makes the stack that a config file describes. What stands in the file is text, never a Terraform expression. */
export function createStack<Kind extends keyof ConfigByKind>(
  scope: Construct,
  name: string,
  config: ConfigByKind[Kind] & { kind: Kind },
): TerraformStack {
  const Stack = kinds[config.kind];
  return new Stack(scope, name, terraformTexts(config));
}
