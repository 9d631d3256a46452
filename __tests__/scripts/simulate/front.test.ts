import fc from "fast-check";
import { expect, it } from "vitest";
import { frontOf } from "../../../scripts/simulate/front.ts";

type Point = readonly [cost: number, wait: number];

const few = fc.integer({ min: 0, max: 8 });
const points = fc.array(fc.tuple(few, few), { maxLength: 40 });
const beats = (one: Point, other: Point) =>
  one[0] <= other[0] && one[1] <= other[1] && (one[0] < other[0] || one[1] < other[1]);
const itself = (point: Point) => point;

it("has no point that any other beats, and all others are beaten by one of it", () => {
  fc.assert(
    fc.property(points, (all) => {
      const front = frontOf<Point>(all, itself);
      for (const point of front) expect(all.filter((other) => beats(other, point))).toEqual([]);
      for (const point of all) expect(front.includes(point) || front.some((other) => beats(other, point))).toBe(true);
    }),
  );
});

it("goes from the cheapest to the fastest, whatever the order of the points", () => {
  fc.assert(
    fc.property(points, (all) => {
      const front = frontOf<Point>(all, itself);
      expect(frontOf<Point>(all.toReversed(), itself)).toEqual(front);
      expect(front.map(([cost]) => cost)).toEqual(front.map(([cost]) => cost).toSorted((a, b) => a - b));
      expect(front.map(([, wait]) => wait)).toEqual(front.map(([, wait]) => wait).toSorted((a, b) => b - a));
    }),
  );
});
