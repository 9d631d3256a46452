import type { Command } from "commander";
import * as z from "zod";
import type { Clock } from "../../handlers/core/ports.ts";
import { createUi, type Terminal, type Ui } from "./ui.ts";

/** What every command works with; tests bring their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly terminal: Terminal;
}

const globals = z.object({ json: z.boolean().default(false), host: z.string().optional() });

/** The options that all commands share. */
export function globalsOf(command: Command): z.output<typeof globals> {
  return globals.parse(command.optsWithGlobals());
}

/** How this call of a command talks. */
export function uiOf(context: Context, command: Command): Ui {
  return createUi(context.terminal, globalsOf(command));
}
