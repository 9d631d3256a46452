import type { Synthesized } from "./synth.ts";

/** `type.id` of a managed resource, or `data.type.id`. */
export type Address = string;

/** The order in which Terraform destroys a stack, as far as the JSON of the stack fixes it. */
export interface DestroyOrder {
  /** All managed resources. */
  readonly resources: readonly Address[];
  /** Whether the first is destroyed before the second in every run. */
  isBefore(first: Address, second: Address): boolean;
  /** All that the first is destroyed before. */
  after(first: Address): ReadonlySet<Address>;
}

/**
 * Terraform destroys a resource before those that it refers to or names in `depends_on`, data sources in between
 * included. Fails where resources go round in a circle.
 *
 * @see https://developer.hashicorp.com/terraform/internals/graph
 */
export function destroyOrderOf(stack: Pick<Synthesized, "resource" | "data">): DestroyOrder {
  const managed = blocksOf(stack.resource, "");
  const blocks = new Map([...managed, ...blocksOf(stack.data ?? {}, "data.")]);
  const known = new Map<Address, ReadonlySet<Address>>();

  function after(address: Address, path: readonly Address[] = []): ReadonlySet<Address> {
    const done = known.get(address);
    if (done) return done;
    if (path.includes(address)) throw new Error(`a circle: ${[...path, address].join(" → ")}`);
    const direct = referencesIn(blocks.get(address)).filter((each) => blocks.has(each));
    const all = new Set(direct.flatMap((each) => [each, ...after(each, [...path, address])]));
    known.set(address, all);
    return all;
  }

  for (const address of blocks.keys()) after(address);
  return {
    resources: [...managed.keys()],
    after,
    isBefore: (first, second) => after(first).has(second),
  };
}

function blocksOf(types: Readonly<Record<string, Readonly<Record<string, unknown>>>>, prefix: string) {
  return new Map<Address, unknown>(
    Object.entries(types).flatMap(([type, ids]) =>
      Object.entries(ids).map(([id, block]): [Address, unknown] => [`${prefix}${type}.${id}`, block]),
    ),
  );
}

/** Every address in an expression, and every one in `depends_on`. */
function referencesIn(block: unknown): Address[] {
  const { depends_on: named = [], ...attributes } = (block ?? {}) as { readonly depends_on?: readonly string[] };
  const expressions = JSON.stringify(attributes).match(/(?<!\$)\$\{(?:[^}])*\}/g) ?? [];
  const referred = expressions.flatMap((each) => each.match(/\b(?:data\.)?[a-z]+_[a-z0-9_]+\.[\w-]+/g) ?? []);
  return [...named, ...referred];
}
