import { createSemaphore } from "../../handlers/vendors/semaphore/client.ts";
import { startSemaphoreFake } from "../fakes/semaphore.ts";
import { describeVendorContract, type VendorTraits } from "./vendor.ts";

const traits: VendorTraits = { agents: undefined, queueTimes: false, paged: [] };

describeVendorContract("semaphore", traits, async ({ clock, timeoutMs }) => {
  const fake = await startSemaphoreFake();
  let newest = fake.token;
  let cached = newest;
  const vendor = createSemaphore(
    { type: "semaphore", address: fake.url },
    {
      clock,
      timeoutMs,
      readToken: ({ fresh = false } = {}) => {
        if (fresh) cached = newest;
        return Promise.resolve(cached);
      },
    },
  );
  return {
    vendor,
    fake,
    credential: fake.token,
    lists: { agents: () => false, jobs: ({ path }) => path.endsWith("/metrics") },
    addAgent: () => {
      throw new Error("agents of Semaphore cannot be seen");
    },
    addJob: () => fake.queueJob(),
    revokeCredential() {
      fake.state.token = "test-token-of-nobody";
    },
    rotateCredential() {
      newest = "test-token-rotated";
      fake.state.token = newest;
    },
  };
});
