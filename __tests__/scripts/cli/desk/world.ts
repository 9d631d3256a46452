import { afterEach, vi } from "vitest";
import { fleetName, type WorldKind } from "../../../fakes/desk-fleets.ts";
import { type DeskWorld, startDeskWorld } from "../../../fakes/desk-world.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet, type Outcome } from "../harness.ts";
import { synthesizerOf } from "../synthesizer.ts";

/** A world, and calls of `fleet` in it. */
export interface Desk {
  readonly world: DeskWorld;
  /** Calls a command for the world's fleet. */
  run(command: string, ...flags: string[]): Promise<Outcome>;
  /** The same with `--json`, parsed. */
  json<T>(command: string, ...flags: string[]): Promise<T>;
}

const open: DeskWorld[] = [];

/** Starts a world for one test. Call it within a `describe` whose file has called {@link closeDesks}. */
export async function openDesk(kind: WorldKind = "tasks"): Promise<Desk> {
  const world = await startDeskWorld(kind);
  open.push(world);
  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value);
  const cwd = folderWith({ [`config/${fleetName}.yaml`]: world.config });
  const run = (command: string, ...flags: string[]) =>
    fleet([command, fleetName, ...flags], { cwd, env: world.env, synthesize: synthesizerOf(cwd) });
  return {
    world,
    run,
    async json(command, ...flags) {
      const { stdout, stderr } = await run(command, ...flags, "--json");
      if (stdout === "") throw new Error(`no result: ${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

/** Closes the worlds of each test. */
export function closeDesks(): void {
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(open.splice(0).map((world) => world.close()));
  });
}
