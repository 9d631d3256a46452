import type { Lease, NextLooks, Notebook } from "../../handlers/lib/core/ports.ts";

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

/** A lease that one pass at a time can hold. Every call counts. */
export interface LeaseFake extends Lease {
  /** Another pass takes it over: whoever holds it finds out at the next renewal. */
  takeOver(): void;
  /** A webhook calls in vain. */
  callInVain(): void;
  /** When a webhook last called. */
  wokenAt: Date | undefined;
  /** As the last holder left it. */
  readonly nextLookAt: Date | undefined;
}

/** See {@link LeaseFake}. */
export function createLeaseFake(): LeaseFake {
  let held = false;
  let lost = false;
  let called = false;
  let nextLookAt: Date | undefined;
  return {
    wokenAt: undefined,
    get nextLookAt() {
      return nextLookAt;
    },
    async acquire() {
      if (held) return undefined;
      held = true;
      lost = false;
      return { wokenAt: this.wokenAt };
    },
    renew: async () => !lost,
    async release(dueAt) {
      if (called && !lost) {
        called = false;
        return false;
      }
      held = false;
      nextLookAt = dueAt;
      return true;
    },
    takeOver() {
      lost = true;
    },
    callInVain() {
      called = true;
    },
  };
}

/** Calls for looks that nobody brings anywhere. */
export interface NextLooksFake extends NextLooks {
  readonly asked: readonly Date[];
  /** Whether the queue takes none. */
  isDown: boolean;
}

/** See {@link NextLooksFake}. */
export function createNextLooksFake(): NextLooksFake {
  const asked: Date[] = [];
  return {
    asked,
    isDown: false,
    async ask(dueAt) {
      if (this.isDown) return false;
      asked.push(dueAt);
      return true;
    },
  };
}
