import { loadStacks } from "../../../stacks/config/load.ts";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";

/** The name of the config's only fleet. Throws {@link UserError} if it has none or several. */
export function theFleet(context: Context): string {
  const fleets = loadStacks(context).stacks.filter(({ config }) => config.kind.endsWith("-fleet"));
  const [only, ...others] = fleets.map(({ name }) => name);
  if (only === undefined) throw new UserError("The config has no fleet.", "Give the name of a fleet's stack.");
  if (others.length === 0) return only;
  throw new UserError("The config has several fleets.", `Give the name of one: ${[only, ...others].join(", ")}`);
}
