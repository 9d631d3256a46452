import { isCancel, password, spinner } from "@clack/prompts";
import Table from "cli-table3";
import { visible, visibleLine } from "../../../handlers/lib/core/visible.ts";
import { wrapped } from "../../../stacks/config/reading/wrap.ts";
import { UserError } from "./errors.ts";
import type { Prompts } from "./prompts.ts";
import type { Screen } from "./screen.ts";

/** A command's output and input. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Whether a person uses it: then there are spinners, and Terraform may ask. */
  readonly interactive: boolean;
  /** Asks the person for a value without showing it. Left out: nobody is there to answer. */
  readonly askHidden?: ((message: string) => Promise<string>) | undefined;
  /** Asks the person for values that everybody may see. Left out: nobody is there to answer. */
  readonly prompts?: Prompts | undefined;
  /** Width of standard output now. Left out: it is no terminal. */
  readonly columns?: (() => number) | undefined;
  /** Width of standard error now. Left out: it is no terminal. */
  readonly errorColumns?: (() => number) | undefined;
  /** Opens a screen for a live view. Left out: standard input or output is no terminal. */
  readonly screen?: (() => Promise<Screen>) | undefined;
}

/** A terminal that prints nothing that it would obey or hide, whatever a vendor or AWS answered, see {@link visible}. */
export function safeTerminal(terminal: Terminal): Terminal {
  return {
    ...terminal,
    stdout: { write: (text) => terminal.stdout.write(visible(text)) },
    stderr: { write: (text) => terminal.stderr.write(visible(text)) },
  };
}

/** The output of commands: results on stdout, everything else on stderr. */
export interface Ui {
  /** Prints the result: `data` as JSON with `--json`, else `text`. Call it once. */
  result(data: unknown, text: string): void;
  note(text: string): void;
  /** Shows progress while `work` runs. `step` shows the present step. */
  during<T>(title: string, work: (step: (message: string) => void) => Promise<T>): Promise<T>;
  /**
   * Prints each step of `work` as a line, for waits that people may want to leave. Ctrl-C (SIGINT) only aborts the
   * signal, so `work` must watch it.
   */
  watch<T>(title: string, work: (step: (message: string) => void, interrupted: AbortSignal) => Promise<T>): Promise<T>;
  /** Asks for a value without showing it, or reads it from standard input, as it comes. */
  askSecret(message: string): Promise<string>;
}

/** See {@link Ui}. */
export function createUi(terminal: Terminal, options: { readonly json: boolean }): Ui {
  const { stdout, stderr } = terminal;
  const note = (text: string) => {
    stderr.write(`${wrapped(visible(text), terminal.errorColumns?.()).join("\n")}\n`);
  };
  return {
    note,
    result(data, text) {
      stdout.write(`${options.json ? JSON.stringify(data, null, 2) : text}\n`);
    },
    async during(title, work) {
      if (terminal.interactive) return withSpinner(title, work);
      note(title);
      return work(note);
    },
    async watch(title, work) {
      const interrupt = new AbortController();
      const abort = () => interrupt.abort();
      process.once("SIGINT", abort);
      note(title);
      try {
        return await work(note, interrupt.signal);
      } finally {
        process.off("SIGINT", abort);
      }
    },
    async askSecret(message) {
      return terminal.askHidden ? terminal.askHidden(message) : readAll(terminal.stdin);
    },
  };
}

/**
 * A table for people, without colours. Without rows: "None." Where its frame is wider than the terminal, which would
 * break the lines, each row is a paragraph.
 *
 * @param width columns of the terminal. Left out: as wide as it gets
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width = Infinity): string {
  if (rows.length === 0) return "None.";
  const grid = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) grid.push([...row]);
  const drawn = grid.toString();
  if (drawn.indexOf("\n") <= width) return drawn;
  const label = Math.max(...head.map(({ length }) => length)) + 2;
  return rows
    .map((row) => row.map((cell, column) => `${(head[column] ?? "").padEnd(label)}${cell}`).join("\n"))
    .join("\n\n");
}

/**
 * As few tables below each other as fit into the terminal: each has the first column, which names the row, and the next
 * columns that still fit.
 *
 * @param width columns of the terminal. Left out: all in one table
 */
export function tables(head: readonly string[], rows: readonly (readonly string[])[], width = Infinity): string {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]?.length ?? 0)) + 3);
  const first = 1 + (widths[0] ?? 0);
  let group = [0];
  const groups = [group];
  let used = first;
  for (const [column, needed] of widths.entries()) {
    if (column === 0) continue;
    if (group.length > 1 && used + needed > width) {
      group = [0];
      groups.push(group);
      used = first;
    }
    group.push(column);
    used += needed;
  }
  const of = (row: readonly string[], group: readonly number[]) => group.map((column) => row[column] ?? "");
  return groups
    .map((group) =>
      table(
        of(head, group),
        rows.map((row) => of(row, group)),
        width,
      ),
    )
    .join("\n");
}

async function withSpinner<T>(title: string, work: (step: (message: string) => void) => Promise<T>): Promise<T> {
  // On Ctrl-C the spinner ends the process with exit code 0.
  const interrupted = () => {
    process.exitCode = 130;
  };
  const progress = spinner({ output: process.stderr, withGuide: false, onCancel: () => process.exit(130) });
  process.once("exit", interrupted);
  progress.start(visibleLine(title));
  try {
    const result = await work((message) => progress.message(visibleLine(message)));
    progress.clear();
    return result;
  } catch (error) {
    progress.error(visibleLine(title));
    throw error;
  } finally {
    process.removeListener("exit", interrupted);
  }
}

/** See {@link Terminal.askHidden}. Throws {@link UserError} if the person cancels. */
export async function askHidden(message: string): Promise<string> {
  const answer = await password({ message, output: process.stderr });
  if (isCancel(answer)) throw new UserError("Cancelled.", "Nothing was changed.");
  return answer ?? "";
}

async function readAll(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString("utf8");
}
