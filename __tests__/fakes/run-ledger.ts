import type { RunLedger, SeenRun } from "../../handlers/lib/core/ports.ts";
import { supersedes } from "../../handlers/lib/core/run-order.ts";

/** Longest partition key of DynamoDB, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html. */
const longestKeyBytes = 2048;

/** A {@link RunLedger} in memory that never forgets. Refuses the keys that DynamoDB refuses. */
export interface RunLedgerFake extends RunLedger {
  /** The newest news of every run, final ones included, by run id. */
  readonly runs: ReadonlyMap<string, SeenRun>;
  /** The error with which `record` rejects. `undefined`: it does not. */
  failure: Error | undefined;
}

/** See {@link RunLedgerFake}. */
export function createRunLedgerFake(): RunLedgerFake {
  const runs = new Map<string, SeenRun>();
  const fake: RunLedgerFake = {
    runs,
    failure: undefined,
    async record(seenRun) {
      if (fake.failure) throw fake.failure;
      const bytes = Buffer.byteLength(seenRun.runId);
      if (bytes === 0 || bytes > longestKeyBytes) throw new Error(`ValidationException: a key of ${bytes} bytes`);
      const known = runs.get(seenRun.runId);
      if (known && !supersedes(seenRun, known)) return false;
      runs.set(seenRun.runId, seenRun);
      return true;
    },
    async listOpen() {
      return [...runs.values()].filter(({ final }) => !final);
    },
  };
  return fake;
}
