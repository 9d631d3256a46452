/**
 * The points that no other point beats: none is as good in every measure and better in one. Smaller is better. Points of
 * the same measures do not beat each other.
 *
 * @param measuresOf as many for each point
 * @returns in the order of the first measure
 */
export function frontOf<Point>(
  points: readonly Point[],
  measuresOf: (point: Point) => readonly [number, number],
): readonly Point[] {
  const inOrder = points
    .map((point) => ({ point, measures: measuresOf(point) }))
    .sort(({ measures: one }, { measures: other }) => one[0] - other[0] || one[1] - other[1]);
  const front: typeof inOrder = [];
  for (const each of inOrder) {
    const last = front.at(-1)?.measures;
    const isSame = last?.[0] === each.measures[0] && last[1] === each.measures[1];
    if (last === undefined || isSame || each.measures[1] < last[1]) front.push(each);
  }
  return front.map(({ point }) => point);
}
