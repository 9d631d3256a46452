import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import type { EcsFleetConfig } from "../../../stacks/config/ecs-fleet.ts";
import { ConfigError } from "../../../stacks/config/errors.ts";
import { type LoadedStacks, loadStacks } from "../../../stacks/config/load.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The least that a config file says. */
export const minimal = `kind: ecs-fleet
region: us-west-2
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
`;

/** A new working directory with these files. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-config-"));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Loads the default folder, or what `chosen` names as `AGENT_FLEETS_CONFIG`. */
export function load(files: Readonly<Record<string, string | Uint8Array>>, chosen?: string): LoadedStacks {
  return loadStacks({ cwd: folderWith(files), env: { AGENT_FLEETS_CONFIG: chosen } });
}

/** The lines of the error that `action` throws; fails where it throws none or another. */
export function errorsOf(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.errors;
    throw error;
  }
  throw new Error("expected a ConfigError");
}

/** The errors of `config/fleet.yaml`. */
export function errorsIn(text: string | Uint8Array): readonly string[] {
  return errorsOf(() => load({ "config/fleet.yaml": text }));
}

/** The same, without the file's name and the place in it. */
export function messagesIn(text: string): readonly string[] {
  return errorsIn(text).map((error) => error.replace(/^config\/fleet\.yaml:\d+:\d+: /, ""));
}

/** What `config/fleet.yaml` loads as. */
export function configOf(text: string): EcsFleetConfig {
  const [stack] = load({ "config/fleet.yaml": text }).stacks;
  if (stack?.config.kind !== "ecs-fleet") throw new Error("no fleet");
  return stack.config;
}

/** What {@link minimal} loads as with more below it. */
export const configWith = (text: string) => configOf(minimal + text);

/** Its errors, see {@link messagesIn}. */
export const errorsWith = (text: string) => messagesIn(minimal + text);
