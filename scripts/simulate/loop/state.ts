import type { Clock, Lease, Notebook } from "../../../handlers/lib/core/ports.ts";

/** As in handlers/lib/aws/fleet-state.ts. */
const leaseMilliseconds = 90_000;

/** The fleet's table: what containers of the function share. */
export interface SharedState {
  /** The lease as one container holds it. */
  lease(): Lease;
  notebook(name: string): Notebook;
}

/** A document, from its writing until its first reading as it was given, and then as JSON brings it back. */
interface Stored {
  value: unknown;
  isRead: boolean;
}

/**
 * See {@link SharedState}. By the rules of handlers/lib/aws/fleet-state.ts, in memory. Documents go through JSON, but
 * once for all readings: most are never read, and nobody changes one that was written or read.
 *
 * @param onCall is called with each call of the table
 */
export function createSharedState(clock: Clock, onCall: () => void): SharedState {
  const documents = new Map<string, Stored>();
  let held: { readonly by: symbol; until: number; calledAt?: Date } | undefined;
  const now = () => clock.now().getTime();

  return {
    lease() {
      const owner = Symbol();
      return {
        async acquire() {
          onCall();
          if (held && held.by !== owner && held.until > now()) {
            onCall();
            held.calledAt = clock.now();
            return false;
          }
          held = { by: owner, until: now() + leaseMilliseconds };
          return true;
        },
        async renew() {
          onCall();
          if (held?.by !== owner) return undefined;
          held.until = now() + leaseMilliseconds;
          return { calledAt: held.calledAt };
        },
        async release() {
          onCall();
          if (held?.by === owner) held = undefined;
        },
      };
    },
    notebook: (name) => ({
      async read() {
        onCall();
        const stored = documents.get(name);
        if (stored && !stored.isRead) Object.assign(stored, { value: throughJson(stored.value), isRead: true });
        return stored?.value;
      },
      async write(document) {
        onCall();
        documents.set(name, { value: document, isRead: false });
      },
    }),
  };
}

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
