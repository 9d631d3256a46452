import type { Readable, Writable } from "node:stream";
import { type Option, select, text } from "@clack/prompts";
import { UserError } from "./errors.ts";

/** One of the answers that a person may choose. */
export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Questions to the person at the terminal. Each throws {@link UserError} if the person cancels. */
export interface Prompts {
  /** Asks until `check` finds no trouble with the answer. */
  text(message: string, check: (answer: string) => string | undefined): Promise<string>;
  /** Lets the person choose. Resolves to the chosen `value`. */
  choose(message: string, choices: readonly Choice[]): Promise<string>;
}

/** Questions at a terminal. */
export function promptsOn(input: Readable, output: Writable): Prompts {
  return {
    async text(message, check) {
      return answered(await text({ message, input, output, validate: (answer = "") => check(answer.trim()) })).trim();
    },
    async choose(message, choices) {
      const options: Option<string>[] = choices.map((choice) => ({ ...choice }));
      return answered(await select({ message, input, output, options }));
    },
  };
}

function answered(answer: string | symbol | undefined): string {
  if (typeof answer === "symbol") throw new UserError("Cancelled.", "Nothing was changed.");
  return answer ?? "";
}
