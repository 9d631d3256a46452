import type { Command } from "commander";
import type { Clock } from "../../handlers/core/ports.ts";
import { type createUi, type Terminal, type Ui } from "./ui.ts";

/** What every command works with; tests bring their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly terminal: Terminal;
}
