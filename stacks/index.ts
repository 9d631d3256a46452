import type { Construct } from "constructs";
import type { StackConfig } from "./config/schema.ts";
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

/** Makes the stack that a config file describes. */
export function createStack<Kind extends keyof ConfigByKind>(
  scope: Construct,
  name: string,
  config: ConfigByKind[Kind] & { kind: Kind },
): void {
  const Stack = kinds[config.kind];
  new Stack(scope, name, config);
}
