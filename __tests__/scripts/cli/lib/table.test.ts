import { describe, expect, it } from "vitest";
import { table, tables } from "../../../../scripts/cli/lib/ui.ts";

const head = ["Output", "Value"];
const rows = [
  ["alarms_topic_arn", "arn:aws:sns:us-west-2:111122223333:ci-jobs-alarms"],
  ["vpc_id", "vpc-72a466d393c7f1848"],
];

describe("a table", () => {
  it("has a frame where the terminal is wide enough, and on a pipe", () => {
    expect(table(head, rows, 74)).toMatch(/^┌─+┬─+┐\n│ Output +│ Value +│\n/);
    expect(table(head, rows)).toBe(table(head, rows, 200));
  });

  it("is a paragraph a row where its frame would be broken", () => {
    expect(table(head, rows, 60)).toBe(`Output  alarms_topic_arn
Value   arn:aws:sns:us-west-2:111122223333:ci-jobs-alarms

Output  vpc_id
Value   vpc-72a466d393c7f1848`);
  });

  it("with many columns is cut into tables that fit, each with the names of its rows", () => {
    const many = ["policy", "wait p50 s", "p95", "launches"];
    const figures = [
      ["ours", "49", "77", "1244"],
      ["always-max", "0", "1", "10"],
    ];
    expect(tables(many, figures, 34)).toBe(
      `${table(
        ["policy", "wait p50 s", "p95"],
        [
          ["ours", "49", "77"],
          ["always-max", "0", "1"],
        ],
      )}
${table(
  ["policy", "launches"],
  [
    ["ours", "1244"],
    ["always-max", "10"],
  ],
)}`,
    );
    expect(tables(many, figures)).toBe(table(many, figures));
    for (const width of [24, 30, 40, 60]) {
      for (const line of tables(many, figures, width).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it("without rows is a word", () => {
    expect(table(head, [], 60)).toBe("None.");
  });
});
