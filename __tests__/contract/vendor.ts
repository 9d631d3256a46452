import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Vendor, VendorAgent } from "../../handlers/lib/core/ports.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import type { FakeRequest, Fault, HttpFake } from "../fakes/http-fake.ts";

/** What there is to see at a vendor. Where something is missing, the suite proves that it is not made up. */
export interface VendorTraits {
  /** Whether its agents can be seen, and in which states besides idle and busy; `undefined`: only jobs can. */
  readonly agents:
    | {
        readonly states: readonly Exclude<VendorAgent["state"], "idle" | "busy">[];
        /** The state of records that can be deleted; `undefined`: the vendor clears them away by itself. */
        readonly removable: "gone" | "offline" | undefined;
      }
    | undefined;
  /** Whether it tells since when a job waits. */
  readonly queueTimes: boolean;
  /** The lists that it gives in pages. */
  readonly paged: readonly ("listAgents" | "readDemand")[];
  /** How many jobs its API tells of at most, if it has such a limit. */
  readonly mostJobs?: number;
}

type HarnessState = VendorAgent["state"] | "of-the-future";

/** What the suite needs to know of a vendor and its fake. */
export interface VendorHarness {
  readonly vendor: Vendor;
  readonly fake: HttpFake;
  /** Appears in no message. */
  readonly credential: string;
  /** Tell the requests that list agents and those that list jobs, which may be the same. */
  readonly lists: Readonly<Record<"agents" | "jobs", (request: FakeRequest) => boolean>>;
  /** Given states of {@link VendorTraits} only; never called where agents cannot be seen. */
  addAgent(name: string, state: HarnessState): { readonly id: string };
  /** Adds one job that waits for an agent, and no other job stands in its way. */
  addJob(): void;
  /** From now on the credential is refused, and there is no newer one. */
  revokeCredential(): void;
  /** From now on only a new credential is accepted, which a fresh reading yields. */
  rotateCredential(): void;
}

/** Starts a vendor's fake with a client of it. */
export type StartVendorHarness = (options: {
  readonly clock: FakeClock;
  readonly timeoutMilliseconds: number | undefined;
}) => Promise<VendorHarness>;

/** What the control loop relies on, whichever vendor it talks to. */
export function describeVendorContract(name: string, traits: VendorTraits, start: StartVendorHarness): void {
  describe(`vendor contract: ${name}`, () => {
    let clock: FakeClock;
    let harness: VendorHarness;

    async function restart(timeoutMilliseconds?: number): Promise<void> {
      await harness?.fake.close();
      clock = createFakeClock();
      harness = await start({ clock, timeoutMilliseconds });
    }

    beforeEach(() => restart());
    afterEach(() => harness.fake.close());

    const addJobs = (count: number) => {
      for (let job = 0; job < count; job += 1) harness.addJob();
    };
    /** By the vendor's id: some vendors name agents by the machine. */
    const agentStates = async () =>
      Object.fromEntries((await harness.vendor.listAgents())?.map((agent) => [agent.id, agent.state]) ?? []);

    it("tells what an idle vendor wants: nothing", async () => {
      expect(await harness.vendor.listAgents()).toEqual(traits.agents && []);
      expect(await harness.vendor.readDemand()).toMatchObject({ queued: 0, running: 0 });
      expect((await harness.vendor.readDemand()).oldestQueuedAt).toBeUndefined();
    });

    it("tells of 250 jobs, or of as many as its API tells of", async () => {
      addJobs(250);
      const queued = Math.min(250, traits.mostJobs ?? Number.POSITIVE_INFINITY);
      expect(await harness.vendor.readDemand()).toMatchObject({ queued, running: 0 });
    });

    it("tells since when the first job waits, or nothing where it does not know", async () => {
      const firstQueuedAt = clock.now();
      addJobs(1);
      clock.advance(60_000);
      addJobs(1);
      const { queued, oldestQueuedAt } = await harness.vendor.readDemand();
      expect(queued).toBe(2);
      expect(oldestQueuedAt).toEqual(traits.queueTimes ? firstQueuedAt : undefined);
    });

    if (traits.agents) describeAgents(traits.agents);
    else {
      it("shows no agents, and asks nobody for them", async () => {
        expect(await harness.vendor.listAgents()).toBeUndefined();
        await harness.vendor.removeAgent("agent-1");
        expect(harness.fake.requests).toEqual([]);
      });
    }

    function describeAgents({ states, removable }: NonNullable<VendorTraits["agents"]>): void {
      it("tells of 250 agents, each once", async () => {
        for (let index = 0; index < 250; index += 1) harness.addAgent(`agent-${index}`, "idle");
        const agents = await harness.vendor.listAgents();
        expect(agents).toHaveLength(250);
        expect(new Set(agents?.map((agent) => agent.id)).size).toBe(250);
      });

      it("lists foreign agents too, each in its state, and takes unknown states for busy", async () => {
        const expected: Record<string, string> = {
          [harness.addAgent("ours_1", "idle").id]: "idle",
          [harness.addAgent("somebody-else", "busy").id]: "busy",
          [harness.addAgent("puzzling", "of-the-future").id]: "busy",
        };
        for (const state of states) expected[harness.addAgent(`one-${state}`, state).id] = state;
        expect(await agentStates()).toEqual(expected);
      });

      if (removable) {
        it("removes the record of an agent that left", async () => {
          const { id } = harness.addAgent("left", removable);
          await harness.vendor.removeAgent(id);
          expect(await harness.vendor.listAgents()).toEqual([]);
        });
      }

      it("takes it as no error that an agent may not be removed or is not there", async () => {
        const { id } = harness.addAgent("working", "busy");
        await harness.vendor.removeAgent(id);
        await harness.vendor.removeAgent("never-was");
        expect(await agentStates()).toEqual({ [id]: "busy" });
      });
    }

    const readings = [
      { call: "listAgents", list: "agents", add: (name: string) => harness.addAgent(name, "idle") },
      { call: "readDemand", list: "jobs", add: () => void harness.addJob() },
    ] as const;

    for (const { call, list, add } of readings) {
      if (call === "listAgents" && traits.agents === undefined) continue;
      const listing = (request: FakeRequest) => harness.lists[list](request);
      const fail = (fault: Pick<Fault, "times" | "answer">) => harness.fake.fail({ ...fault, when: listing });
      const read = () => harness.vendor[call]();
      const callsMade = () => harness.fake.requests.filter(listing).length;

      describe(call, () => {
        it("fails as unauthorized when the credential is refused, without retries or the credential in the message", async () => {
          harness.revokeCredential();
          const failure = await read().catch((error: unknown) => error);
          expect(failure).toMatchObject({ kind: "unauthorized" });
          expect(String(failure)).not.toContain(harness.credential);
          expect(clock.sleeps).toEqual([]);
        });

        it("goes on with a rotated credential", async () => {
          await read();
          harness.rotateCredential();
          const added = add("one");
          expect(await read()).toMatchObject(added ? [{ id: added.id }] : { queued: 1 });
        });

        it("waits as long as Retry-After asks before it asks again", async () => {
          fail({ times: 1, answer: { status: 429, headers: { "retry-after": "7" } } });
          await read();
          expect(clock.sleeps).toHaveLength(1);
          expect(clock.sleeps[0]).toBeGreaterThanOrEqual(7_000);
          expect(clock.sleeps[0]).toBeLessThan(9_000);
        });

        it("gets over a server error and a connection that breaks off", async () => {
          const added = add("one");
          fail({ times: 1, answer: { status: 503 } });
          fail({ times: 1, answer: "cut-off" });
          expect(await read()).toMatchObject(added ? [{ id: added.id }] : { queued: 1 });
        });

        for (const answer of [{ status: 500 }, "cut-off"] as const) {
          it(`fails as unavailable, after retries, when all it gets is ${JSON.stringify(answer)}`, async () => {
            fail({ answer });
            await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "unavailable" });
            expect(callsMade()).toBe(4);
          });
        }

        it("fails as rate-limited when the vendor keeps refusing", async () => {
          fail({ answer: { status: 429 } });
          await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "rate-limited" });
        });

        it("fails as timeout when no answer comes", async () => {
          await restart(100);
          fail({ answer: "hang" });
          await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "timeout" });
        });

        for (const answer of ["malformed", { status: 200, json: { surprise: true } }] as const) {
          it(`fails as malformed rather than guess at ${JSON.stringify(answer)}`, async () => {
            add("one");
            fail({ answer });
            await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "malformed" });
          });
        }

        if (!traits.paged.includes(call)) return;
        it("answers in full or not at all: a later page that fails fails the reading", async () => {
          for (let index = 0; index < 250; index += 1) add(`agent-${index}`);
          let pages = 0;
          harness.fake.onRequest = (request) => {
            if (listing(request) && ++pages === 2) fail({ answer: { status: 500 } });
          };
          await expect(read()).rejects.toMatchObject({ kind: "unavailable" });
        });
      });
    }

    it("fails as unavailable when nobody listens", async () => {
      await harness.fake.close();
      await expect(harness.vendor.readDemand()).rejects.toMatchObject({ kind: "unavailable" });
    });
  });
}
