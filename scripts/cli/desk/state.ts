import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Memory, memoryOf } from "../../../handlers/autoscale/memory.ts";
import { createNotebook, type HeldLease, readLease } from "../../../handlers/lib/aws/fleet-state.ts";
import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** What the loop keeps in its table. */
export interface LoopState {
  /** `undefined`: no pass runs. */
  readonly lease: HeldLease | undefined;
  /** When the loop's next look is due by a message. `undefined`: no message is on its way. */
  readonly nextLookAt: Date | undefined;
  /** By the pool's name. A pool without an entry has never been observed, or its document cannot be understood. */
  readonly memories: ReadonlyMap<string, Memory>;
}

/** Reads the lease and the documents of pools. */
export async function readLoopState(
  { table, poolNames }: { readonly table: string; readonly poolNames: readonly string[] },
  { dynamodb, clock }: { readonly dynamodb: DynamoDBClient; readonly clock: Clock },
): Promise<LoopState> {
  const { held: lease, nextLookAt } = await readLease({ table, dynamodb });
  const documents = await Promise.all(
    poolNames.map(async (poolName) => {
      const memory = memoryOf(await createNotebook(`loop ${poolName}`, { table, dynamodb, clock }).read());
      return memory ? [[poolName, memory] as const] : [];
    }),
  );
  return { lease, nextLookAt, memories: new Map(documents.flat()) };
}
