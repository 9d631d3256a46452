import { expect, it } from "vitest";
import { createSemaphore } from "../../handlers/lib/vendors/semaphore/client.ts";
import { startSemaphoreFake } from "../fakes/semaphore.ts";
import { createSemaphoreHosts, type SemaphoreHosts } from "../fakes/semaphore-hosts.ts";
import { semaphoreRetirementOver } from "../fakes/semaphore-retirement.ts";
import { createCredential } from "./credential.ts";
import { describeRetirementContract, type RetirementHarness, type Spoils } from "./retirement.ts";
import { describeVendorContract, type VendorTraits } from "./vendor.ts";

const traits: VendorTraits = { agents: undefined, queueTimes: false, paged: [] };

describeVendorContract("semaphore", traits, async ({ clock, timeoutMilliseconds }) => {
  const fake = await startSemaphoreFake();
  const { readToken, ...credential } = createCredential(fake.token, (token) => {
    fake.state.token = token;
  });
  return {
    vendor: createSemaphore({ type: "semaphore", address: fake.url }, { clock, timeoutMilliseconds, readToken }),
    fake,
    ...credential,
    lists: { agents: () => false, jobs: ({ path }) => path.endsWith("/metrics") },
    addAgent: () => {
      throw new Error("agents of Semaphore cannot be seen");
    },
    addJob: () => fake.queueJob(),
  };
});

interface Harness extends RetirementHarness {
  readonly fleet: SemaphoreHosts;
}

function answering(spoilt: string | Error): (harness: Harness) => void {
  return ({ fleet }) => {
    fleet.spoilt = spoilt;
  };
}

const spoils: Spoils<Harness> = {
  "no answer in time": answering(new Error("i-1 did not answer in time")),
  "a script that fails": answering(new Error("the script on i-1 ended as Failed with exit code 1")),
  "an instance that SSM does not reach": answering(new Error("i-1 is not connected to SSM")),
  silence: answering(""),
  "another word": answering("IDLE"),
  "more than one word": answering("idle\nbusy"),
};

const traitsOfRetirement = { spoils, deletesRecords: false, undrains: false, identifiedBy: "capacityId" } as const;

describeRetirementContract<Harness>("semaphore", traitsOfRetirement, async () => {
  const fleet = createSemaphoreHosts();
  return {
    retirement: semaphoreRetirementOver(fleet),
    fleet,
    credential: "no credential is needed",
    onQuestion(happen) {
      fleet.onCommand = happen;
    },
    addAgent(name) {
      fleet.add(name);
      return { name, capacityId: name };
    },
    offerJob: ({ capacityId }) => fleet.offerJob(capacityId),
    endJob: ({ capacityId }) => fleet.endJob(capacityId),
    loseAgent: ({ capacityId }) => void fleet.hosts.delete(capacityId),
    isKnown: ({ capacityId }) => fleet.hosts.has(capacityId),
    close: async () => undefined,
  };
});

it("an agent that waits for Semaphore without end is silent, before and after the end of its job, and never idle", async () => {
  const hosts = createSemaphoreHosts();
  const retirement = semaphoreRetirementOver(hosts);
  const agent = { name: "i-1", capacityId: "i-1" };
  hosts.add("i-1");
  expect(hosts.offerJob("i-1")).toBe(true);
  Object.assign(hosts.hosts.get("i-1") ?? {}, { deaf: true });
  expect(await retirement.drain(agent)).toBe("silent");
  hosts.endJob("i-1");
  expect(await retirement.drain(agent)).toBe("silent");
  expect(hosts.hosts.get("i-1")?.up).toBe(true);
});
