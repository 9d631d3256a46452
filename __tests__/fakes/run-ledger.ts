import type { RunLedger, RunSighting } from "../../handlers/lib/core/ports.ts";
import { supersedes } from "../../handlers/lib/core/run-order.ts";

/** A {@link RunLedger} in memory that never forgets. */
export interface RunLedgerFake extends RunLedger {
  /** The newest news of every run, final ones included, by run id. */
  readonly runs: ReadonlyMap<string, RunSighting>;
  /** The error with which `record` rejects. `undefined`: it does not. */
  failure: Error | undefined;
}

/** See {@link RunLedgerFake}. */
export function createRunLedgerFake(): RunLedgerFake {
  const runs = new Map<string, RunSighting>();
  const fake: RunLedgerFake = {
    runs,
    failure: undefined,
    async record(sighting) {
      if (fake.failure) throw fake.failure;
      const known = runs.get(sighting.runId);
      if (known && !supersedes(sighting, known)) return false;
      runs.set(sighting.runId, sighting);
      return true;
    },
    async listOpen() {
      return [...runs.values()].filter(({ final }) => !final);
    },
  };
  return fake;
}
