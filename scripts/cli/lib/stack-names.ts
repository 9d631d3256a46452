import { stackName } from "../../../stacks/config/names.ts";
import { listConfigFiles } from "../../../stacks/config/reading/files.ts";
import type { Context } from "./context.ts";

/**
 * Names of config files that can be stacks, also of wrong ones. Such a name has no character that a shell would obey.
 * None where the folder cannot be read.
 */
export function stackNames(context: Pick<Context, "env" | "cwd">): readonly string[] {
  const found = listConfigFiles(context);
  if ("error" in found) return [];
  return found.files.map(({ stack }) => stack).filter((name) => stackName.safeParse(name).success);
}
