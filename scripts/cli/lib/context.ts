import type { Command } from "commander";
import * as z from "zod";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { cleanSecret } from "../../../handlers/lib/core/secret-value.ts";
import { UserError } from "./errors.ts";
import { createUi, type Terminal, type Ui } from "./ui.ts";

/** The environment of every command. Tests pass their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly terminal: Terminal;
  /** Writes these stacks to a folder as the app does. Left out: the app, in a process of its own. */
  readonly synthesize?: (output: string, names: readonly string[]) => Promise<void>;
}

/** The options that all commands share. */
const globals = z.object({ json: z.boolean().default(false) });

/** The output of this call of a command. */
export function uiOf(context: Context, command: Command): Ui {
  return createUi(context.terminal, { json: jsonOf(command) });
}

/** Whether the results of this call are to be JSON. */
export function jsonOf(command: Command): boolean {
  return globals.parse(command.optsWithGlobals()).json;
}

/**
 * A credential that a command needs: the value of an environment variable, for scripts, else what the person at the
 * terminal types without seeing it. Never an argument, which the shell's history and the list of processes would show.
 *
 * @param what continues "Set it to …"
 */
export async function credential({ env, terminal }: Context, variable: string, what: string): Promise<string> {
  const value = cleanSecret(env[variable] || ((await terminal.askHidden?.(`${variable}: ${what}`)) ?? ""));
  if (value) return value;
  if (terminal.askHidden) throw new UserError(`${variable} is empty.`, `Type ${what}. Nothing was changed.`);
  throw new UserError(`The environment variable ${variable} is not set.`, `Set it to ${what}.`);
}
