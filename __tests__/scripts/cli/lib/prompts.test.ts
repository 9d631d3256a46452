import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { promptsOn } from "../../../../scripts/cli/lib/prompts.ts";

/** A terminal whose person presses the next keys as soon as the text that asks for them is on it. */
function terminal(...steps: readonly (readonly [sees: string, keys: string])[]) {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const output = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
  const left = [...steps];
  const seen = { text: "" };
  let fresh = "";
  output.on("data", (chunk) => {
    const text = stripVTControlCharacters(String(chunk));
    seen.text += text;
    fresh += text;
    const [next] = left;
    if (next === undefined || !fresh.includes(next[0])) return;
    left.shift();
    fresh = "";
    setImmediate(() => input.write(next[1]));
  });
  return { prompts: promptsOn(input, output), seen };
}

const check = (answer: string) => (answer === "aws" ? undefined : "must be aws");
const choices = [
  { value: "one", label: "the first" },
  { value: "two", label: "the second" },
];

describe("questions at a terminal", () => {
  it("take a text without the blanks around it", async () => {
    const { prompts } = terminal(["Pool", " aws \r"]);
    expect(await prompts.text("Pool", check)).toBe("aws");
  });

  it("show the trouble with an answer and ask again", async () => {
    const { prompts, seen } = terminal(["Pool", "\r"], ["must be aws", "aws\r"]);
    expect(await prompts.text("Pool", check)).toBe("aws");
    expect(seen.text).toContain("must be aws");
  });

  it("let the person choose with the arrow keys", async () => {
    const { prompts, seen } = terminal(["the second", "\x1b[B"], ["the second", "\r"]);
    expect(await prompts.choose("Which", choices)).toBe("two");
    expect(seen.text).toContain("the first");
  });

  it.each(["text", "choose"] as const)("%s ends with Ctrl-C, and says that nothing was changed", async (kind) => {
    const { prompts } = terminal(["Which", "\x03"]);
    const answer = kind === "text" ? prompts.text("Which", check) : prompts.choose("Which", choices);
    await expect(answer).rejects.toMatchObject({ message: "Cancelled.", hint: "Nothing was changed." });
  });
});
