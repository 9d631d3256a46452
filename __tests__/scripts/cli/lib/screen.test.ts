import { PassThrough } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { cutTo, openScreen } from "../../../../scripts/cli/lib/screen.ts";

/** A terminal of so many columns and rows. */
function terminal(columns: number, rows: number) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) });
  let drawn = "";
  const output = Object.assign(new PassThrough(), {
    isTTY: true,
    columns,
    rows,
    write(text: string) {
      drawn += text;
      return true;
    },
  });
  const screen = openScreen(input as unknown as ReadStream, output as unknown as WriteStream);
  return { screen, input, modes, drawn: () => drawn };
}

describe("a screen", () => {
  it.each([
    "q",
    "\u0003",
    "\u0004",
  ])("ends as soon as the person presses %j, and gives the terminal back", async (key) => {
    const { screen, input, modes } = terminal(80, 24);
    screen.show("one");
    const quit = screen.quitWithin(60_000);
    input.write("x");
    input.write(key);
    expect(await quit).toBe(true);
    expect(await screen.quitWithin(60_000)).toBe(true);
    screen.close();
    expect(modes).toEqual([true, false]);
    expect(input.listenerCount("data")).toBe(0);
  });

  it("goes on without a key", async () => {
    const { screen } = terminal(80, 24);
    expect(await screen.quitWithin(1)).toBe(false);
    screen.close();
  });

  it("never clears the whole window, and draws nothing anew that stayed the same", () => {
    const { screen, drawn } = terminal(80, 24);
    screen.show("first line\nsecond line");
    screen.show("first line\nsecond line");
    screen.show("first line\nchanged");
    screen.close();
    for (const clearing of ["\u001b[2J", "\u001b[3J"]) expect(drawn()).not.toContain(clearing);
    expect(drawn().match(/first line/g)).toHaveLength(1);
    expect(drawn()).toContain("changed");
  });

  it("shows no character that a terminal obeys", () => {
    const { screen, drawn } = terminal(80, 24);
    screen.show("title \u001b]0;x\u0007");
    screen.close();
    expect(drawn()).toContain("\\u001b]0;x\\u0007");
  });
});

describe("a text in a window", () => {
  it("is cut to its columns and rows, and says how much is hidden", () => {
    expect(cutTo("short\na longer line", 8, 24)).toBe("short\na longe…");
    expect(cutTo("1\n2\n3\n4\n5", 80, 4)).toBe("1\n2\n… 3 more lines: make the window higher");
  });
});
