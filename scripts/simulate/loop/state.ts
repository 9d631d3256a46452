import type { Call, Clock, Lease, Notebook } from "../../../handlers/lib/core/ports.ts";

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
  let held: { readonly by: symbol; until: number } | undefined;
  let calledAt: Date | undefined;
  let wokenAt: Date | undefined;
  let nextLookAt: number | undefined;
  const now = () => clock.now().getTime();
  const counts = (call: Call) => {
    if (call.by === "webhook") return true;
    if (call.by === "message") return call.dueAt.getTime() === nextLookAt;
    return nextLookAt === undefined || nextLookAt <= now();
  };

  return {
    lease() {
      const owner = Symbol();
      return {
        async acquire(call) {
          onCall();
          const isFree = !held || held.by === owner || held.until <= now();
          if (!counts(call) || !isFree) {
            if (call.by === "webhook") {
              onCall();
              calledAt = clock.now();
              wokenAt = calledAt;
            }
            return undefined;
          }
          held = { by: owner, until: now() + leaseMilliseconds };
          [calledAt, nextLookAt] = [undefined, undefined];
          if (call.by === "webhook") wokenAt = clock.now();
          return { wokenAt };
        },
        async renew() {
          onCall();
          if (held?.by !== owner) return false;
          held.until = now() + leaseMilliseconds;
          return true;
        },
        async release(dueAt) {
          onCall();
          if (held?.by !== owner) return true;
          if (calledAt) {
            onCall();
            calledAt = undefined;
            return false;
          }
          held = undefined;
          nextLookAt = dueAt?.getTime();
          return true;
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
