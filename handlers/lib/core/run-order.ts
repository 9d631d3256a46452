import type { SeenRun } from "./ports.ts";

/**
 * Whether `candidate` is a newer state of a run than `known`. A final status beats any other, at any timestamp. Then
 * the newer timestamp wins, then the later stage, then (for statuses of equal rank) the name. This is a total order, so
 * lost, repeated and reordered notifications of a run all end in the same state.
 */
export function supersedes(candidate: SeenRun, known: SeenRun): boolean {
  if (candidate.final !== known.final) return candidate.final;
  const newer = candidate.updatedAt.getTime() - known.updatedAt.getTime();
  if (newer !== 0) return newer > 0;
  if (candidate.rank !== known.rank) return candidate.rank > known.rank;
  return candidate.status > known.status;
}
