import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentReference, VendorRetirement } from "../../handlers/lib/core/ports.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import type { HttpFake } from "../fakes/http-fake.ts";

/** What the suite needs to know of a vendor's retirement half and its fake. */
export interface RetirementHarness {
  readonly retirement: VendorRetirement;
  /** Appears in no message. */
  readonly credential: string;
  /** Set it to have something happen right before the fake answers its next questions, whatever they are. */
  onQuestion(happen: () => void): void;
  /** Puts an agent there that is connected, unlocked and without a job. */
  addAgent(name: string): AgentReference;
  /** Has a job look for an agent; returns whether this agent took it. A locked one and one that works take none. */
  offerJob(agent: AgentReference): boolean;
  endJob(agent: AgentReference): void;
  /** The agent and all that the vendor knew of it are gone. */
  loseAgent(agent: AgentReference): void;
  /** The vendor's list leaves the agent out, though it is there and may work. Left out: nothing lists agents. */
  hideAgent?(agent: AgentReference): void;
  /** Whether the vendor still has a record of it. */
  isKnown(agent: AgentReference): boolean;
  close(): Promise<void>;
}

/** Starts a vendor's fake with the retirement half over it. */
export type StartRetirementHarness<Harness extends RetirementHarness> = (options: {
  readonly clock: FakeClock;
}) => Promise<Harness>;

/** Ways to spoil the answers of a vendor, by what they are called in a test's name. */
export type Spoils<Harness> = Readonly<Record<string, (harness: Harness) => void>>;

/** What can go wrong with any vendor over HTTP; to be joined by what its own answers can say instead of the truth. */
export const httpSpoils: Spoils<{ readonly fake: HttpFake }> = {
  "server errors": ({ fake }) => fake.fail({ answer: { status: 500 } }),
  "answers that break off": ({ fake }) => fake.fail({ answer: "cut-off" }),
  "answers cut in half": ({ fake }) => fake.fail({ answer: "malformed" }),
  "an empty object": ({ fake }) => fake.fail({ answer: { status: 200, json: {} } }),
  null: ({ fake }) => fake.fail({ answer: { status: 200, json: null } }),
  "refusals of the credential": ({ fake }) => fake.fail({ answer: { status: 401 } }),
  "refusals for lack of rights": ({ fake }) => fake.fail({ answer: { status: 403 } }),
  "refusals for the rate": ({ fake }) => fake.fail({ answer: { status: 429 } }),
};

/**
 * What the retirement workflow relies on, whichever vendor it talks to.
 *
 * @param spoils each makes all answers from then on worthless.
 * @param deletesRecords whether `deregister` deletes something; where the vendor clears up by itself it does nothing.
 * @param absence what it proves that the vendor does not know the agent's own id.
 * @param identifiedBy by which id the vendor, or what stands in for it, can say that an agent is no more.
 * @param undrains whether a lock can be lifted. If not, trying to is an error: nobody may take such an agent for one that
 * works on.
 */
export function describeRetirementContract<Harness extends RetirementHarness>(
  name: string,
  {
    spoils,
    deletesRecords,
    undrains = true,
    absence = "gone",
    identifiedBy = "vendorId",
  }: {
    readonly spoils: Spoils<Harness>;
    readonly deletesRecords: boolean;
    readonly undrains?: boolean;
    readonly absence?: "gone" | "unseen";
    readonly identifiedBy?: "vendorId" | "capacityId";
  },
  start: StartRetirementHarness<Harness>,
): void {
  describe(`retirement contract: ${name}`, () => {
    let harness: Harness;
    let agent: AgentReference;

    async function restart(): Promise<void> {
      await harness?.close();
      harness = await start({ clock: createFakeClock() });
      harness.addAgent("ci_0");
      agent = harness.addAgent("ci_1");
      harness.addAgent("ci_10");
    }

    beforeEach(restart);
    afterEach(() => harness.close());

    it("locks an idle agent: it gets no job from then on, and no other agent is locked", async () => {
      expect(await harness.retirement.drain(agent)).toBe("idle");
      expect(harness.offerJob(agent)).toBe(false);
      const [before, after] = [harness.addAgent("ci_2"), harness.addAgent("ci_11")];
      expect([harness.offerJob(before), harness.offerJob(after)]).toEqual([true, true]);
    });

    it("tells that an agent works, and locks it against the next job", async () => {
      harness.offerJob(agent);
      expect(await harness.retirement.drain(agent)).toBe("busy");
      harness.endJob(agent);
      expect(harness.offerJob(agent)).toBe(false);
    });

    it("finds an agent of which only the name is known", async () => {
      const { name: known, capacityId } = agent;
      expect(await harness.retirement.drain({ name: known, capacityId })).toBe("idle");
      expect(harness.offerJob(agent)).toBe(false);
      if (!undrains) return;
      await harness.retirement.undrain({ name: known, capacityId });
      expect(harness.offerJob(agent)).toBe(true);
    });

    it("may be asked again and again, until the job is done", async () => {
      harness.offerJob(agent);
      for (let time = 0; time < 3; time += 1) expect(await harness.retirement.drain(agent)).toBe("busy");
      harness.endJob(agent);
      for (let time = 0; time < 3; time += 1) expect(await harness.retirement.drain(agent)).toBe("idle");
    });

    it("locks first and looks then: a job that comes at any moment is seen, or finds the lock", async () => {
      let questions = 0;
      harness.onQuestion(() => {
        questions += 1;
      });
      await harness.retirement.drain(agent);
      expect(questions).toBeGreaterThan(0);

      for (let moment = 1; moment <= questions; moment += 1) {
        await restart();
        let asked = 0;
        let taken = false;
        harness.onQuestion(() => {
          asked += 1;
          if (asked === moment) taken = harness.offerJob(agent);
        });
        const answer = await harness.retirement.drain(agent);
        expect({ moment, answer }).toEqual({ moment, answer: taken ? "busy" : "idle" });
        expect(harness.offerJob(agent)).toBe(false);
      }
    });

    it("takes no agent for idle or gone that registers and takes a job at any moment of asking", async () => {
      let jobs = 0;
      for (let moment = 1; moment <= 4; moment += 1) {
        await restart();
        const { name: known, capacityId } = agent;
        if (identifiedBy === "vendorId") harness.loseAgent(agent);
        let asked = 0;
        let taken = false;
        harness.onQuestion(() => {
          asked += 1;
          if (asked !== moment) return;
          const registered = identifiedBy === "vendorId" ? harness.addAgent(known) : agent;
          taken = harness.offerJob(registered);
        });
        const answer = await harness.retirement.drain({ name: known, capacityId });
        if (taken) expect(["busy", "unseen", "unmatched"]).toContain(answer);
        jobs += Number(taken);
      }
      expect(jobs).toBeGreaterThan(0);
    });

    it(`calls an agent ${absence} of which the vendor was asked by its own id and does not know it`, async () => {
      harness.loseAgent(agent);
      expect(await harness.retirement.drain(agent)).toBe(absence);
    });

    if (identifiedBy === "vendorId") {
      it("calls an agent unseen that is only missing: no list proves that it has no job", async () => {
        const { name: known, capacityId } = agent;
        harness.loseAgent(agent);
        expect(await harness.retirement.drain({ name: known, capacityId })).toBe("unseen");
        expect(await harness.retirement.drain({ name: "ci_never-was", capacityId: "i-never-was" })).toBe("unseen");
      });

      it("takes an agent for busy that the list leaves out while it works, and locks it all the same", async () => {
        harness.offerJob(agent);
        harness.hideAgent?.(agent);
        expect(await harness.retirement.drain(agent)).toBe("busy");
        harness.endJob(agent);
        expect(harness.offerJob(agent)).toBe(false);
        expect(await harness.retirement.drain(agent)).toBe("idle");
      });
    }

    for (const [what, spoil] of Object.entries(spoils)) {
      it(`takes no agent for idle or gone on ${what}, at any moment of asking`, async () => {
        let questions = 0;
        harness.onQuestion(() => {
          questions += 1;
        });
        await harness.retirement.drain(agent);

        for (let moment = 1; moment <= questions; moment += 1) {
          await restart();
          let asked = 0;
          harness.onQuestion(() => {
            asked += 1;
            if (asked === moment) spoil(harness);
          });
          const answer = await harness.retirement.drain(agent).catch((error: Error) => error);
          if (answer instanceof Error) expect(String(answer)).not.toContain(harness.credential);
          else expect({ moment, answer }).toEqual({ moment, answer: "busy" });
        }
      });
    }

    if (undrains) {
      it("lifts the lock, as often as it is asked to", async () => {
        await harness.retirement.drain(agent);
        await harness.retirement.undrain(agent);
        await harness.retirement.undrain(agent);
        expect(harness.offerJob(agent)).toBe(true);
        await harness.retirement.drain(agent);
        await harness.retirement.undrain(agent);
        harness.endJob(agent);
        expect(harness.offerJob(agent)).toBe(true);
      });

      it("takes it as no error that an agent whose lock is to be lifted is gone", async () => {
        harness.loseAgent(agent);
        await expect(harness.retirement.undrain(agent)).resolves.toBeUndefined();
      });
    } else {
      it("refuses to lift a lock, whatever the agent does, and changes nothing", async () => {
        await expect(harness.retirement.undrain(agent)).rejects.toThrow(agent.name);
        expect(harness.offerJob(agent)).toBe(true);
        await harness.retirement.drain(agent);
        await expect(harness.retirement.undrain(agent)).rejects.toThrow(agent.name);
        expect(await harness.retirement.drain(agent)).toBe("busy");
        harness.endJob(agent);
        expect(harness.offerJob(agent)).toBe(false);
      });
    }

    it("leaves no record of an agent that goes, and takes it as no error that there is none", async () => {
      await harness.retirement.drain(agent);
      await harness.retirement.deregister(agent);
      expect(harness.isKnown(agent)).toBe(!deletesRecords);
      await harness.retirement.deregister(agent);
      harness.loseAgent(agent);
      await expect(harness.retirement.deregister(agent)).resolves.toBeUndefined();
    });

    if (deletesRecords) {
      it("deregisters no agent that works after all", async () => {
        harness.offerJob(agent);
        await expect(harness.retirement.deregister(agent)).rejects.toMatchObject({ kind: "conflict" });
        expect(harness.isKnown(agent)).toBe(true);
      });
    }
  });
}
