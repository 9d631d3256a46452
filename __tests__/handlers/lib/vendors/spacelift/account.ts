import { onTestFinished } from "vitest";
import type { SpaceliftRuntime } from "../../../../../handlers/lib/settings/vendors/spacelift.ts";
import type { VendorDeps } from "../../../../../handlers/lib/vendors/deps.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";
import type { FakeRequest } from "../../../../fakes/http-fake.ts";
import type { FakeWorkerPool } from "../../../../fakes/spacelift/state.ts";
import { operationOf, type SpaceliftFake, startSpaceliftFake } from "../../../../fakes/spacelift.ts";

/** An instance id of the exact form, by a number. */
export const instance = (number: number) => `i-${String(number).padStart(17, "0")}`;

export const workerPoolId = "01HCC6QZ932J7WDF4FTVM9QMEP";

/** A fake account with one worker pool, and what a client of it is made of. */
export interface Account {
  readonly fake: SpaceliftFake;
  readonly state: SpaceliftFake["state"];
  readonly pool: FakeWorkerPool;
  readonly clock: FakeClock;
  readonly runtime: SpaceliftRuntime;
  /** Reads the secret that the fake accepts when the test begins; `secrets.newest` when asked afresh. */
  readonly deps: VendorDeps;
  readonly secrets: { cached: string; newest: string };
  /** The operations asked for so far, such as `workerPool`. */
  operations(): string[];
}

/** Starts an {@link Account} that ends with the test. */
export async function startAccount(): Promise<Account> {
  const clock = createFakeClock();
  const fake = await startSpaceliftFake({ clock });
  onTestFinished(() => fake.close());
  const { state } = fake;
  const secrets = { cached: state.secret, newest: state.secret };
  return {
    fake,
    state,
    pool: state.addPool(workerPoolId),
    clock,
    runtime: { type: "spacelift", endpoint: fake.url, apiKeyId: state.keyId, workerPoolId, group: "ci" },
    deps: { clock, readToken: ({ fresh = false } = {}) => Promise.resolve(fresh ? secrets.newest : secrets.cached) },
    secrets,
    operations: () => fake.requests.map(operationOf),
  };
}

/** Whether a request asks for `operation`. */
export const asks = (operation: string) => (request: FakeRequest) => operationOf(request) === operation;
