/** The known word nearest to a typo, or `undefined`. Case, `_`, `-` and a missing unit do not count as differences. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const typed = plain(word);
  const ranked = known
    .map((candidate) => ({ candidate, distance: distanceOf(typed, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(typed.length / 3)) ? best.candidate : undefined;
}

const plain = (word: string) => word.slice(0, 64).toLowerCase().replaceAll(/[_-]/g, "");

function distanceOf(typed: string, known: string): number {
  if (typed.length >= 3 && (known.startsWith(typed) || typed.startsWith(known))) return 1;
  return editDistance(typed, known);
}

/** Levenshtein: insertions, deletions and replacements of one letter. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
