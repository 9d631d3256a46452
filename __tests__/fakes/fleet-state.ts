import type { Lease, Notebook } from "../../handlers/lib/core/ports.ts";

/** A document in memory. It goes through JSON, as the real one does. */
export function createNotebookFake(): Notebook & { readonly writes: readonly unknown[] } {
  const writes: unknown[] = [];
  let text: string | undefined;
  return {
    writes,
    read: async () => (text === undefined ? undefined : JSON.parse(text)),
    async write(document) {
      text = JSON.stringify(document);
      writes.push(document);
    },
  };
}

/** A lease that one pass at a time can hold. */
export interface LeaseFake extends Lease {
  /** Another pass takes it over: whoever holds it finds out at the next renewal. */
  takeOver(): void;
  /** Somebody comes in vain at this time. */
  calledAt: Date | undefined;
}

/** See {@link LeaseFake}. */
export function createLeaseFake(): LeaseFake {
  let held = false;
  let lost = false;
  return {
    calledAt: undefined,
    async acquire() {
      if (held) return false;
      held = true;
      lost = false;
      return true;
    },
    async renew() {
      return lost ? undefined : { calledAt: this.calledAt };
    },
    async release() {
      held = false;
    },
    takeOver() {
      lost = true;
    },
  };
}
