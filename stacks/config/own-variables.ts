import type { Rule } from "./rules.ts";

/** Variables that a stack sets itself: name → the setting to use instead. */
export type OwnVariables = Readonly<Record<string, string>>;

/** The first of `names` that the stack sets itself, as "NAME: use SETTING"; `undefined` if it sets none of them. */
export function firstOwn(own: OwnVariables, names: readonly string[]): string | undefined {
  const name = names.find((each) => Object.hasOwn(own, each));
  return name === undefined ? undefined : `${name}: use ${own[name]}`;
}

/** Refuses the stack's own variables, each at its place. @param mappings paths of mappings with variables as keys */
export function ownVariableRules(own: OwnVariables, ...mappings: readonly (readonly string[])[]): Rule<object>[] {
  return mappings.flatMap((mapping) =>
    Object.entries(own).map(([name, instead]) => ({
      path: [...mapping, name],
      reads: [[...mapping, name]],
      check: (config: object) =>
        Object.hasOwn(at(config, mapping) ?? {}, name) ? `must not be set here: use ${instead}` : undefined,
    })),
  );
}

function at(config: object, path: readonly string[]): object | undefined {
  return path.reduce<object | undefined>((value, key) => (value as Record<string, object> | undefined)?.[key], config);
}
