import { UserError } from "../lib/errors.ts";
import type { Choice, Prompts } from "../lib/prompts.ts";

/** What checks an answer: a schema of the config. */
interface Checker {
  safeParse(value: unknown): { readonly error?: { readonly issues: readonly { readonly message: string }[] } };
}

/** A question that a flag of the command or a person answers. */
export interface Question {
  /** The flag, such as `--pool`; or an argument, such as `<stack>`. */
  readonly flag: string;
  readonly message: string;
  readonly checker: Checker;
  /** Whether it may stay without an answer, which is then empty. */
  readonly optional?: boolean;
  /** Makes what the checker checks. @default the answer itself */
  readonly value?: (answer: string) => unknown;
}

/** Answers of the flags; where a person is at the terminal, of the person for the flags that were not given. */
export interface Questions {
  /** An answer that passed its check. Empty: there is none, which may be an error of {@link finish}. */
  ask(question: Question): Promise<string>;
  /** One of the values. Where nobody can be asked it is `otherwise`; empty: there is none, an error of {@link finish}. */
  choose(flag: string, message: string, choices: readonly Choice[], otherwise?: string): Promise<string>;
  isGiven(flag: string): boolean;
  /** Whether a person answers what no flag does. */
  readonly canAsk: boolean;
  /** Throws {@link UserError} with all that is missing or wrong. */
  finish(): void;
}

/** @param given the values of the flags that were given, by flag */
export function questionsOf(given: ReadonlyMap<string, string>, prompts: Prompts | undefined): Questions {
  const asked = new Set<string>();
  const missing: string[] = [];
  const wrong: string[] = [];

  const trouble = ({ checker, optional, value = (answer) => answer }: Question, answer: string) =>
    answer === "" && optional ? undefined : checker.safeParse(value(answer)).error?.issues[0]?.message;

  return {
    async ask(question) {
      const { flag, message, optional } = question;
      asked.add(flag);
      const flagged = given.get(flag);
      if (flagged !== undefined) {
        const found = trouble(question, flagged);
        if (found) wrong.push(`${flag} ${found}, found ${JSON.stringify(flagged)}`);
        return flagged;
      }
      if (prompts && wrong.length === 0) return prompts.text(message, (answer) => trouble(question, answer));
      if (!optional) missing.push(flag);
      return "";
    },
    async choose(flag, message, choices, otherwise) {
      asked.add(flag);
      const flagged = given.get(flag);
      const values = choices.map(({ value }) => value);
      if (flagged !== undefined) {
        if (!values.includes(flagged)) {
          const some = `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
          wrong.push(`${flag} must be ${some} here, found ${JSON.stringify(flagged)}`);
        }
        return flagged;
      }
      if (prompts && wrong.length === 0) return prompts.choose(message, choices);
      if (otherwise === undefined) missing.push(`${flag} <${values.join("|")}>`);
      return otherwise ?? "";
    },
    isGiven: (flag) => given.has(flag),
    canAsk: prompts !== undefined,
    finish() {
      if (missing.length === 0) {
        for (const flag of given.keys()) if (!asked.has(flag)) wrong.push(`${flag} does not fit the other answers`);
      }
      const lines = [...(missing.length > 0 ? [`Missing: ${missing.join(", ")}.`] : []), ...wrong];
      if (lines.length > 0) {
        const give = "Give these flags, or run the command at a terminal, where it asks.";
        throw new UserError(lines.join("\n"), missing.length > 0 ? give : "Correct these flags. Nothing was written.");
      }
    },
  };
}
