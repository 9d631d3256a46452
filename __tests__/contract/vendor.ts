import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Vendor, VendorAgent } from "../../handlers/core/ports.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import type { HttpFake } from "../fakes/http-fake.ts";

/** What the suite needs to know of a vendor and its fake. */
export interface VendorHarness {
  readonly vendor: Vendor;
  readonly fake: HttpFake;
  /** Appears in no message. */
  readonly credential: string;
  /** Requests that list agents, and those that list jobs. */
  readonly paths: { readonly agents: RegExp; readonly jobs: RegExp };
  addAgent(name: string, state: VendorAgent["state"] | "of-the-future"): { readonly id: string };
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
  readonly timeoutMs: number | undefined;
}) => Promise<VendorHarness>;

/** What the control loop relies on, whichever vendor it talks to. */
export function describeVendorContract(name: string, start: StartVendorHarness): void {
  describe(`vendor contract: ${name}`, () => {
    let clock: FakeClock;
    let harness: VendorHarness;

    async function restart(timeoutMs?: number): Promise<void> {
      await harness?.fake.close();
      clock = createFakeClock();
      harness = await start({ clock, timeoutMs });
    }

    beforeEach(() => restart());
    afterEach(() => harness.fake.close());

    const addJobs = (count: number) => {
      for (let job = 0; job < count; job += 1) harness.addJob();
    };
    const agentStates = async () =>
      Object.fromEntries((await harness.vendor.listAgents())?.map((agent) => [agent.name, agent.state]) ?? []);

    it("tells what an idle vendor wants: nothing", async () => {
      expect(await harness.vendor.listAgents()).toEqual([]);
      expect(await harness.vendor.readDemand()).toMatchObject({ queued: 0, running: 0, oldestQueuedAt: undefined });
    });

    it("pages through 250 agents, each told once", async () => {
      for (let index = 0; index < 250; index += 1) harness.addAgent(`agent-${index}`, "idle");
      const agents = await harness.vendor.listAgents();
      expect(agents).toHaveLength(250);
      expect(new Set(agents?.map((agent) => agent.id)).size).toBe(250);
    });

    it("pages through 250 jobs", async () => {
      addJobs(250);
      expect(await harness.vendor.readDemand()).toMatchObject({ queued: 250, running: 0 });
    });

    it("tells since when the first job waits", async () => {
      const firstQueuedAt = clock.now();
      addJobs(1);
      clock.advance(60_000);
      addJobs(1);
      expect((await harness.vendor.readDemand()).oldestQueuedAt).toEqual(firstQueuedAt);
    });

    it("lists foreign agents too, and takes unknown statuses for busy", async () => {
      harness.addAgent("ours.burst.1", "idle");
      harness.addAgent("somebody-else", "busy");
      harness.addAgent("left", "gone");
      harness.addAgent("puzzling", "of-the-future");
      expect(await agentStates()).toEqual({
        "ours.burst.1": "idle",
        "somebody-else": "busy",
        left: "gone",
        puzzling: "busy",
      });
    });

    it("removes an agent that is gone", async () => {
      const { id } = harness.addAgent("left", "gone");
      await harness.vendor.removeAgent(id);
      expect(await harness.vendor.listAgents()).toEqual([]);
    });

    it("takes it as no error that an agent may not be removed or is not there", async () => {
      const { id } = harness.addAgent("working", "busy");
      await harness.vendor.removeAgent(id);
      await harness.vendor.removeAgent("never-was");
      expect(await agentStates()).toEqual({ working: "busy" });
    });

    const readings = [
      { call: "listAgents", path: () => harness.paths.agents, add: () => harness.addAgent("one", "idle") },
      { call: "readDemand", path: () => harness.paths.jobs, add: () => harness.addJob() },
    ] as const;

    for (const { call, path, add } of readings) {
      const read = () => harness.vendor[call]();
      const callsMade = () => harness.fake.requests.filter((request) => path().test(request.path)).length;

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
          add();
          expect(await read()).toMatchObject(call === "listAgents" ? [{ name: "one" }] : { queued: 1 });
        });

        it("waits as long as Retry-After asks before it asks again", async () => {
          harness.fake.fail({ path: path(), times: 1, answer: { status: 429, headers: { "retry-after": "7" } } });
          await read();
          expect(clock.sleeps).toHaveLength(1);
          expect(clock.sleeps[0]).toBeGreaterThanOrEqual(7_000);
          expect(clock.sleeps[0]).toBeLessThan(9_000);
        });

        it("gets over a server error and a connection that breaks off", async () => {
          add();
          harness.fake.fail({ path: path(), times: 1, answer: { status: 503 } });
          harness.fake.fail({ path: path(), times: 1, answer: "cut-off" });
          expect(await read()).toMatchObject(call === "listAgents" ? [{ name: "one" }] : { queued: 1 });
        });

        for (const answer of [{ status: 500 }, "cut-off"] as const) {
          it(`fails as unavailable, after retries, when all it gets is ${JSON.stringify(answer)}`, async () => {
            harness.fake.fail({ path: path(), answer });
            await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "unavailable" });
            expect(callsMade()).toBe(4);
          });
        }

        it("fails as rate-limited when the vendor keeps refusing", async () => {
          harness.fake.fail({ path: path(), answer: { status: 429 } });
          await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "rate-limited" });
        });

        it("fails as timeout when no answer comes", async () => {
          await restart(100);
          harness.fake.fail({ path: path(), answer: "hang" });
          await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "timeout" });
        });

        for (const answer of ["malformed", { status: 200, json: { surprise: true } }] as const) {
          it(`fails as malformed rather than guess at ${JSON.stringify(answer)}`, async () => {
            add();
            harness.fake.fail({ path: path(), answer });
            await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "malformed" });
          });
        }

        it("answers in full or not at all: a later page that fails fails the reading", async () => {
          for (let index = 0; index < 250; index += 1) {
            if (call === "listAgents") harness.addAgent(`agent-${index}`, "idle");
            else harness.addJob();
          }
          let pages = 0;
          harness.fake.onRequest = (request) => {
            if (path().test(request.path) && ++pages === 2)
              harness.fake.fail({ path: path(), answer: { status: 500 } });
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
