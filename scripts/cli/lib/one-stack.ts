import { type LoadedStack, loadStack, loadStacks } from "../../../stacks/config/load.ts";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";

/** The stack of a config file. @param option its name in errors */
export function stackIn(file: string, context: Context, option: string): LoadedStack {
  const env = { ...context.env, AGENT_FLEETS_CONFIG: file };
  const [stack, ...others] = loadStacks({ env, cwd: context.cwd }).stacks;
  if (stack && others.length === 0) return stack;
  throw new UserError(`${option} ${file} holds several configs.`, "Name the file of one fleet.");
}

/** The stack of this name, or of a config file. A file has a folder or ends in .yaml or .yml. */
export function stackOf(nameOrFile: string, context: Context): LoadedStack {
  const isFile = /[/\\]|\.ya?ml$/.test(nameOrFile);
  return isFile ? stackIn(nameOrFile, context, "The path") : loadStack(nameOrFile, context);
}
