import type { Explanation } from "./explain.ts";
import type { StackConfig } from "./schema.ts";

/** A place in a stack's config that names another stack. */
interface Reference {
  readonly path: readonly string[];
  /** The other stack's name. */
  readonly stack: string;
  /** What kind of stack it must be. */
  readonly kind: StackConfig["kind"];
}

interface NamedStack {
  readonly name: string;
  readonly config: StackConfig;
}

/** The stacks that a stack stands on. They may live in other folders and backends. */
export function referencesOf(config: StackConfig): readonly Reference[] {
  if (config.kind === "network") return [];
  const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
  return [
    ...("stack" in config.network
      ? [{ path: ["network", "stack"], stack: config.network.stack, kind: "network" as const }]
      : []),
    ...(hosts && "stack" in hosts
      ? [{ path: ["compute", "capacityProvider", "stack"], stack: hosts.stack, kind: "ecs-cluster" as const }]
      : []),
  ];
}

/** What is wrong with a stack's references, as far as the stacks of its folder tell; others are taken on trust. */
export function explainReferences(config: StackConfig, stacks: readonly NamedStack[]): Explanation[] {
  return referencesOf(config).flatMap((reference) => {
    const target = stacks.find(({ name }) => name === reference.stack);
    const message = target && mismatch(config, reference, target);
    return message === undefined ? [] : [{ path: reference.path, message, about: "value" as const }];
  });
}

function mismatch(config: StackConfig, { kind }: Reference, target: NamedStack): string | undefined {
  const { name, config: found } = target;
  if (found.kind !== kind) return `must be a stack of kind ${kind}, but ${name} is of kind ${found.kind}`;
  if (found.region === config.region) return undefined;
  return `must be in this stack's region, ${config.region}, but ${name} is in ${found.region}`;
}
