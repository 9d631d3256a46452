import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const folder = new URL("../../docs/", import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));

/** The commands of a page, each on one line. */
const commandsOf = (page: string) =>
  readFileSync(new URL(page, folder), "utf8")
    .replaceAll(/\\\n\s*/g, "")
    .match(/^\s*aws .*$/gm) ?? [];

it("messages go back from a dead-letter queue to a named queue: SQS knows no source of messages that services sent", () => {
  const moves = pages.flatMap(commandsOf).filter((command) => command.includes("start-message-move-task"));
  expect(moves.length).toBeGreaterThan(0);
  for (const command of moves) expect(command).toMatch(/--source-arn .*--destination-arn /);
});
