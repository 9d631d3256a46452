import { describe, expect, it } from "vitest";
import { pictures } from "../../../scripts/generate/pictures/pictures.ts";
import { box } from "../../../scripts/generate/pictures/svg.ts";

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The boxes of a picture. */
function boxesOf(svg: string): Area[] {
  const numbers = /<rect class="(?:box|ours|agent)" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g;
  return [...svg.matchAll(numbers)].map(([, ...each]) => {
    const [x = 0, y = 0, width = 0, height = 0] = each.map(Number);
    return { x, y, width, height };
  });
}

/** The labels beside the boxes, as wide as their letters may be. */
function notesOf(svg: string): Area[] {
  const labels = /<text class="note" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]*)</g;
  return [...svg.matchAll(labels)].map(([, x, y, anchor, text = ""]) => {
    const width = text.length * 5.5;
    const left = Number(x) - (anchor === "middle" ? width / 2 : anchor === "end" ? width : 0);
    return { x: left, y: Number(y) - 9, width, height: 10 };
  });
}

const overlap = (one: Area, other: Area) =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;
const isInside = (one: Area, other: Area) =>
  one.x >= other.x && one.x + one.width <= other.x + other.width && one.y >= other.y && one.y <= other.y + other.height;

describe.each(Object.entries(pictures()))("%s", (_, svg) => {
  const boxes = boxesOf(svg);

  it("has boxes that do not cover each other", () => {
    expect(boxes.length).toBeGreaterThan(6);
    const covered = boxes.flatMap((one, index) => boxes.slice(index + 1).filter((other) => overlap(one, other)));
    expect(covered).toEqual([]);
  });

  it("has labels that are inside a box or beside all of them", () => {
    const crossing = notesOf(svg).filter((note) => boxes.some((each) => overlap(note, each) && !isInside(note, each)));
    expect(crossing).toEqual([]);
  });

  it("stays within its frame", () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
    const all = { x: 0, y: 0, width: width ?? 0, height: height ?? 0 };
    expect([...boxes, ...notesOf(svg)].filter((each) => !isInside(each, all))).toEqual([]);
  });

  it("has colors for light and dark pages and a title for those who cannot see it", () => {
    expect(svg).toContain("@media (prefers-color-scheme:dark)");
    expect(svg).toMatch(/<title>[^<]{40,}<\/title>/);
    expect(svg, "it needs no other file").not.toMatch(/href=|url\((?!#)|@import/);
  });
});

it("a box refuses a line that it has no room for", () => {
  const small = { at: [0, 0], size: [40, 20], kind: "box" } as const;
  expect(() => box({ ...small, lines: ["much too long"] })).toThrow("too narrow");
  expect(() => box({ ...small, lines: ["a", "b"] })).toThrow("too low");
});
