import type { Construct } from "constructs";
import type { StackConfig } from "./config/schema.ts";
import { terraformTexts } from "./constructs/terraform-text.ts";
import { EcsFleetStack } from "./ecs-fleet.ts";

type ConfigByKind = { [Config in StackConfig as Config["kind"]]: Config };

const kinds: {
  readonly [Kind in keyof ConfigByKind]: new (
    scope: Construct,
    name: string,
    config: ConfigByKind[Kind],
  ) => unknown;
} = {
  "ecs-fleet": EcsFleetStack,
};

/** Makes the stack that a config file describes. What stands in the file is text, never a Terraform expression. */
export function createStack<Kind extends keyof ConfigByKind>(
  scope: Construct,
  name: string,
  config: ConfigByKind[Kind] & { kind: Kind },
): void {
  const Stack = kinds[config.kind];
  new Stack(scope, name, terraformTexts(config));
}
