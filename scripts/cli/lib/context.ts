import type { Command } from "commander";
import * as z from "zod";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { UserError } from "./errors.ts";
import { createUi, type Terminal, type Ui } from "./ui.ts";

/** The environment of every command. Tests pass their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly terminal: Terminal;
}

/** The options that all commands share. */
const globals = z.object({ json: z.boolean().default(false) });

/** The output of this call of a command. */
export function uiOf(context: Context, command: Command): Ui {
  return createUi(context.terminal, globals.parse(command.optsWithGlobals()));
}

/** An environment variable that must be set. Secrets are never arguments. */
export function required(context: Context, variable: string, what: string): string {
  const value = context.env[variable]?.trim();
  if (value) return value;
  throw new UserError(`The environment variable ${variable} is not set.`, `Set it to ${what}.`);
}
