/** Deletes entries of a memory that are not among `known` any more. */
export function forgetAllBut(memory: Map<string, unknown> | Set<string>, known: { has(id: string): boolean }): void {
  for (const id of memory.keys()) if (!known.has(id)) memory.delete(id);
}
