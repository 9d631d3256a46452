import type { Call, Clock, Lease, Log, NextLooks } from "../lib/core/ports.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { type PassResult, runPass } from "./handler.ts";

/** The loop of one fleet works with these. */
export interface FleetDeps {
  /** Reads its pools. An Error in the place of one says why its settings cannot be used: that pool alone fails. */
  readonly readPools: () => Promise<readonly (AutoscaleDeps | Error)[]>;
  /** One lease for the whole fleet. A pass holds it while it runs. */
  readonly lease: Lease;
  readonly nextLooks: NextLooks;
  readonly clock: Clock;
  /** No look starts after this time, so that the last one ends before Lambda stops the function. */
  readonly deadline?: (() => Date | undefined) | undefined;
  readonly log: Log;
}

/** A pass that goes on in itself ends before the next minute's does. */
const passMilliseconds = 50_000;
/** A webhook that called within this time still works. */
const wokenMilliseconds = 7 * 24 * 3600 * 1000;

/**
 * One pass over a fleet: it looks at every pool, and asks for the next look. If another pass is running, this one records
 * its call and ends, and the running pass looks again. A pass waits in itself only if nobody can bring the next call.
 *
 * @returns what the last look saw; nothing if another pass is running, or if nobody waits for this call any more
 * @throws the error of the one failing pool, or an AggregateError of several, after the others did their work; errors
 *   of the lease
 */
export async function runFleet(fleet: FleetDeps, call: Call): Promise<readonly PassResult[]> {
  const { lease, clock, log } = fleet;
  const taken = await lease.acquire(call);
  if (taken === undefined) {
    log.info(
      "no look: another pass is running and looks again in place of this one, or the next look is still to come",
    );
    return [];
  }
  const startedAt = clock.now().getTime();
  const isWoken = taken.wokenAt !== undefined && startedAt - taken.wokenAt.getTime() < wokenMilliseconds;
  const deadline = fleet.deadline?.()?.getTime() ?? Number.POSITIVE_INFINITY;
  const arrange = arrangerOf(fleet, Math.min(startedAt + passMilliseconds, deadline));
  for (let isWakeUp = call.by === "webhook"; ; ) {
    const lookedAt = clock.now().getTime();
    const { results, failures } = await lookAtAll(fleet, { isWoken, isWakeUp });
    const soonest = Math.min(...results.map(({ nextLookSeconds: seconds = Number.POSITIVE_INFINITY }) => seconds));
    const dueAt = Number.isFinite(soonest) ? new Date(lookedAt + soonest * 1000) : undefined;
    const reason = await arrange(dueAt, failures.length > 0);
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} pools failed`);
    if (failures.length === 1) throw failures[0];
    if (reason === undefined) return results;
    isWakeUp = reason === "called";
  }
}

/** Looks at every pool, in parallel. A failure in one does not stop the others. */
async function lookAtAll(
  { readPools }: FleetDeps,
  called: Parameters<typeof runPass>[1],
): Promise<{ readonly results: readonly PassResult[]; readonly failures: readonly unknown[] }> {
  let pools: Awaited<ReturnType<typeof readPools>>;
  try {
    pools = await readPools();
  } catch (error) {
    return { results: [], failures: [error] };
  }
  const looks = await Promise.allSettled(
    pools.map(async (pool) => (pool instanceof Error ? Promise.reject(pool) : runPass(pool, called))),
  );
  return {
    results: looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : [])),
    failures: looks.flatMap((look) => (look.status === "rejected" ? [look.reason] : [])),
  };
}

/**
 * Sees to it that somebody looks next: this pass, or the next call.
 *
 * @returns arranges one look after another; resolves to why this pass is to look again now, `undefined`: it ends
 */
function arrangerOf({ lease, nextLooks, clock, log }: FleetDeps, endsAt: number) {
  let canAsk = true;
  const now = () => clock.now().getTime();

  return async (dueAt: Date | undefined, mustEnd: boolean): Promise<"due" | "called" | undefined> => {
    const mayGoOn = !mustEnd && now() < endsAt;
    if (dueAt !== undefined) {
      const isDue = dueAt.getTime() <= now();
      if (!(isDue && mayGoOn)) canAsk = canAsk && (await nextLooks.ask(dueAt));
      if (mayGoOn && (isDue || (!canAsk && dueAt.getTime() < endsAt))) {
        await clock.sleep(Math.max(0, dueAt.getTime() - now()));
        return "due";
      }
    }
    const release = (nextLookAt: Date | undefined) =>
      lease.release(canAsk ? nextLookAt : undefined).catch((error) => {
        log.warn("the lease could not be given back, so it has to expire", { error });
        return true;
      });
    if (await release(dueAt)) return undefined;
    if (mayGoOn) return "called";
    if (mustEnd) await release(dueAt);
    else {
      // Too late for this pass, so another one answers the call at once.
      const soon = new Date(now());
      canAsk = canAsk && (await nextLooks.ask(soon));
      await release(soon);
    }
    return undefined;
  };
}
