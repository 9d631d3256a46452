import { createSpacelift } from "../../handlers/lib/vendors/spacelift/client.ts";
import { createSpaceliftRetirement } from "../../handlers/lib/vendors/spacelift/retirement.ts";
import type { FakeClock } from "../fakes/clock.ts";
import type { FakeRequest } from "../fakes/http-fake.ts";
import type { FakeWorker } from "../fakes/spacelift/state.ts";
import { operationOf, startSpaceliftFake } from "../fakes/spacelift.ts";
import { createCredential } from "./credential.ts";
import { describeRetirementContract, httpSpoils, type RetirementHarness, type Spoils } from "./retirement.ts";
import { describeVendorContract, type VendorTraits } from "./vendor.ts";

const workerPoolId = "01HCC6QZ932J7WDF4FTVM9QMEP";

/** The instance that an agent of this name runs on. */
const instanceOf = (name: string) => `i-${Buffer.from(name).toString("hex").padEnd(17, "0").slice(0, 17)}`;

/** A fake with one pool, what a client of it is made of, and its credential. */
async function start(clock: FakeClock, timeoutMilliseconds?: number) {
  const fake = await startSpaceliftFake({ clock });
  const { state } = fake;
  const { readToken, ...credential } = createCredential(state.secret, (secret) => {
    state.secret = secret;
    state.endSessions();
  });
  return {
    fake,
    state,
    credential,
    pool: state.addPool(workerPoolId),
    runtime: { type: "spacelift", endpoint: fake.url, apiKeyId: state.keyId, workerPoolId, group: "ci" } as const,
    deps: { clock, timeoutMilliseconds, readToken },
  };
}

const traits: VendorTraits = {
  agents: { states: ["draining"], removable: undefined },
  queueTimes: false,
  paged: [],
};

describeVendorContract("spacelift", traits, async ({ clock, timeoutMilliseconds }) => {
  const { fake, state, pool, credential, runtime, deps } = await start(clock, timeoutMilliseconds);
  const asksPool = (request: FakeRequest) => operationOf(request) === "workerPool";
  return {
    vendor: createSpacelift(runtime, deps),
    fake,
    ...credential,
    lists: { agents: asksPool, jobs: asksPool },
    addAgent: (name, each) =>
      state.addWorker(pool, instanceOf(name), {
        busy: each === "of-the-future" ? "RESTING" : each === "busy",
        drained: each === "draining",
      }),
    addJob() {
      pool.pendingRuns += 1;
    },
  };
});

type Harness = RetirementHarness & Pick<Awaited<ReturnType<typeof start>>, "fake" | "pool">;

/** What a well-formed answer may say in place of the truth, at either question. */
function answering(json: (worker: FakeWorker | undefined) => unknown): (harness: Harness) => void {
  return ({ fake, pool }) => {
    const worker = [...pool.workers.values()][1];
    fake.fail({
      when: (request) => operationOf(request) !== "apiKeyUser",
      answer: { status: 200, json: json(worker) },
    });
  };
}

const drainAnswer = (changes: object) => (worker: FakeWorker | undefined) => ({
  data: { workerDrainSet: { id: worker?.id, busy: false, drained: true, ...changes } },
});

const spoils: Spoils<Harness> = {
  ...httpSpoils,
  "an error in place of data": answering(() => ({ data: null, errors: [{ message: "internal error" }] })),
  "an error besides data": answering((worker) => ({ ...drainAnswer({})(worker), errors: [{ message: "oops" }] })),
  "no worker in the answer": answering(() => ({ data: { workerDrainSet: null } })),
  "a worker that is not said to be idle": answering(drainAnswer({ busy: null })),
  "a worker without busy": answering(drainAnswer({ busy: undefined })),
  "a worker that is not said to be drained": answering(drainAnswer({ drained: false })),
  "another worker": answering(drainAnswer({ id: "01TESTOTHER" })),
  "no pool": answering(() => ({ data: { workerPool: null } })),
  "a pool without workers": answering(() => ({ data: { workerPool: {} } })),
  "a session that cannot be opened": ({ fake }) => {
    fake.fail({
      when: (request) => operationOf(request) === "apiKeyUser",
      answer: { status: 200, json: { data: { apiKeyUser: null } } },
    });
    fake.fail({ answer: { status: 200, json: { data: null, errors: [{ message: "unauthorized" }] } } });
  },
};

describeRetirementContract<Harness>(
  "spacelift",
  { spoils, deletesRecords: false, absence: "unseen" },
  async ({ clock }) => {
    const { fake, state, pool, runtime, deps } = await start(clock);
    const workerOf = (name: string) =>
      [...pool.workers.values()].find(({ metadata }) => String(metadata).includes(`"instance_id":"${name}"`));
    return {
      retirement: createSpaceliftRetirement(runtime, deps),
      fake,
      pool,
      credential: state.secret,
      onQuestion(happen) {
        fake.onRequest = happen;
      },
      addAgent(name) {
        const instance = instanceOf(name);
        return { name: instance, capacityId: instance, vendorId: state.addWorker(pool, instance).id };
      },
      offerJob({ name }) {
        const worker = workerOf(name);
        return worker !== undefined && state.startRun(worker);
      },
      endJob({ name }) {
        const worker = workerOf(name);
        if (worker) state.endRun(worker);
      },
      loseAgent({ name }) {
        pool.workers.delete(workerOf(name)?.id ?? "");
      },
      hideAgent({ name }) {
        const worker = workerOf(name);
        if (worker) worker.hidden = true;
      },
      isKnown: ({ name }) => workerOf(name) !== undefined,
      close: () => fake.close(),
    };
  },
);
