import type { ReadStream, WriteStream } from "node:tty";
import { createLogUpdate } from "log-update";
import { visible } from "../../../handlers/lib/core/visible.ts";

/** A person's terminal that shows one text and replaces it, until the person has seen enough. */
export interface Screen {
  /** Shows the text in place of the last one, cut to the window. */
  show(text: string): void;
  /** Resolves to `true` as soon as the person presses q or Ctrl-C, to `false` after this time. */
  quitWithin(milliseconds: number): Promise<boolean>;
  /** Gives the terminal back. The last text stays. */
  close(): void;
}

/** q, Ctrl-C and Ctrl-D, as a terminal in raw mode sends them. */
const quitKeys = new Set(["q", "Q", "\u0003", "\u0004"]);

/** Opens a screen: keys are read without Enter, and only what changed is drawn again. */
export function openScreen(input: ReadStream, output: WriteStream): Screen {
  const draw = createLogUpdate(output);
  let onQuit: (() => void) | undefined;
  let quit = false;
  const onKey = (keys: Buffer | string) => {
    if (![...String(keys)].some((key) => quitKeys.has(key))) return;
    quit = true;
    onQuit?.();
  };
  input.setRawMode(true);
  input.resume();
  input.on("data", onKey);
  return {
    show: (text) => draw(cutTo(visible(text), output.columns ?? 80, output.rows ?? 24)),
    quitWithin: (milliseconds) =>
      new Promise((resolve) => {
        if (quit) return resolve(true);
        const timer = setTimeout(() => resolve(false), milliseconds);
        onQuit = () => {
          clearTimeout(timer);
          resolve(true);
        };
      }),
    close() {
      draw.done();
      input.off("data", onKey);
      input.setRawMode(false);
      input.pause();
    },
  };
}

/** Lines that fit into the window. One line stays free for the cursor. */
export function cutTo(text: string, columns: number, rows: number): string {
  const lines = text.split("\n").map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
  const room = Math.max(1, rows - 1);
  if (lines.length <= room) return lines.join("\n");
  const hidden = `… ${lines.length - room + 1} more lines: make the window higher`;
  return [...lines.slice(0, room - 1), hidden.slice(0, columns)].join("\n");
}
