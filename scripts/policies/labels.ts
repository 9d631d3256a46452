import { type Anchor, label, type Part, type Point } from "../generate/pictures/svg.ts";

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Labelled {
  readonly at: Point;
  readonly text: string;
}

/** As wide as a letter of 12 px is at most on average. */
const letter = 5.9;
const [textHeight, gap, between] = [12, 9, 5];

/** Where a label may stand: beside its mark, else the nearest place above or below. */
const places: readonly (readonly [dx: number, dy: number, anchor: Anchor])[] = [0, 14, 28, 42, 56, 70, 84].flatMap(
  (off) =>
    [off, -off].flatMap((dy): [number, number, Anchor][] => [
      [gap, 4 + dy, "start"],
      [-gap, 4 + dy, "end"],
      ...(off > 0 ? [[0, 4 + dy, "middle"] as [number, number, Anchor]] : []),
    ]),
);

/** Small areas along a line, which no label should cover. */
export function areasAlong(points: readonly Point[]): readonly Area[] {
  return points.slice(1).flatMap(([toX, toY], index) => {
    const [fromX, fromY] = points[index] ?? [toX, toY];
    const steps = Math.ceil(Math.hypot(toX - fromX, toY - fromY) / 4);
    return Array.from({ length: steps }, (_, step) => ({
      x: fromX + ((toX - fromX) * step) / steps - 1,
      y: fromY + ((toY - fromY) * step) / steps - 1,
      width: 2,
      height: 2,
    }));
  });
}

/**
 * Labels that cover no mark, no other label and none of `others`, inside of the area. A line leads to those farther off.
 *
 * @throws Error if there is no room for one
 */
export function placeLabels(labelled: readonly Labelled[], area: Area, others: readonly Area[]): readonly Part[] {
  const taken = [...others, ...labelled.map(({ at: [x, y] }) => ({ x: x - 6, y: y - 6, width: 12, height: 12 }))];
  return labelled.map(({ at: [x, y], text }) => {
    for (const [dx, dy, anchor] of places) {
      const own = areaOf(text, [x + dx, y + dy], anchor);
      if (!isInside(own, area) || taken.some((other) => overlap(own, other))) continue;
      taken.push({ ...own, x: own.x - between, width: own.width + 2 * between });
      const isFar = Math.abs(dy) > 20;
      const line = `<path class="lead" d="M${x} ${y}L${round(x + dx)} ${round(own.y + (dy < 0 ? textHeight : 0))}"/>\n`;
      return (isFar ? line : "") + label(text, [round(x + dx), round(y + dy)], "note", anchor);
    }
    throw new Error(`no room for the label ${text}`);
  });
}

function areaOf(text: string, [x, y]: Point, anchor: Anchor): Area {
  const width = text.length * letter;
  const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
  return { x: left, y: y - textHeight + 2, width, height: textHeight };
}

function overlap(one: Area, other: Area): boolean {
  const across = one.x < other.x + other.width && other.x < one.x + one.width;
  return across && one.y < other.y + other.height && other.y < one.y + one.height;
}

function isInside(one: Area, around: Area): boolean {
  const across = one.x >= around.x && one.x + one.width <= around.x + around.width;
  return across && one.y >= around.y && one.y + one.height <= around.y + around.height;
}

const round = (value: number) => Math.round(value * 10) / 10;
