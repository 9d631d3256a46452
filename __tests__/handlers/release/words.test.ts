import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInstanceGroup } from "../../../handlers/lib/aws/instance-group.ts";
import { joinAgents } from "../../../handlers/lib/core/agents.ts";
import { decide } from "../../../handlers/lib/core/scaling.ts";
import { handleRelease } from "../../../handlers/release/handler.ts";
import { handleRetire } from "../../../handlers/retire/handler.ts";
import { asgClientsOver, createAsgFake } from "../../../scripts/simulate/world/asg.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { connectAsg } from "../lib/aws/asg-harness.ts";

const graceSeconds = 600;
const words = ["registered", "never-registered", "boot-failed"] as const;

/** Deliveries of the same few messages in any order and number, as a standard queue of SQS may make them. */
const anyDeliveries = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 6 });

/** An instance of Semaphore, older than its grace, and everything between its words and the loop's decision. */
function setUp() {
  const clock = createFakeClock();
  const aws = createAsgFake(clock, { min: 0, max: 9 });
  const { id } = aws.add();
  aws.group.desired = 1;
  clock.advance((graceSeconds + 1) * 1000);
  const clients = asgClientsOver(async (call) => aws.perform(call));
  const group = createInstanceGroup(["ci"], { ...clients, clock });
  const capacity = connectAsg(aws, clock);
  const log = createLogFake();
  const asked: string[] = [];
  const retirements = {
    running: async () => new Set<string>(),
    start: async () => Promise.reject(new Error("no word of these retires an instance")),
  };
  return {
    id,
    asked,
    deliver: (said: readonly string[]) =>
      handleRelease(
        {
          Records: said.map((reason, index): SQSRecord => {
            const attributes = { SenderId: `AROAEXAMPLEOFTHEFLEET:${id}` };
            return { messageId: `${index}`, body: JSON.stringify({ reason }), attributes } as SQSRecord;
          }),
        },
        { group, retirements, log },
      ),
    async decided(vendorAgents?: readonly []) {
      const { members, launches } = await capacity.read();
      const { agents } = joinAgents({
        members,
        vendorAgents,
        retiring: new Set(),
        missingSince: new Map(),
        namePrefix: "ci_",
        registrationGraceSeconds: graceSeconds,
        now: clock.now(),
      });
      const demand = { queued: 0, running: 0 };
      const snapshot = { demand, agents, vendorShowsAgents: vendorAgents !== undefined, recentlyWanted: [] };
      const policy = policyOf({ min: 1, canRetire: true, registrationGraceSeconds: graceSeconds });
      const { retire, discard, supply } = decide({ ...snapshot, launches, circuit: {} }, policy, clock.now());
      return { state: agents[0]?.state, retired: retire.map(({ reason }) => reason), discard, supply };
    },
    /** What the workflow is told of an agent that the loop wanted out for having never registered. */
    drained: () =>
      handleRetire(
        { step: "drain", reason: "never-registered", agent: { name: id, capacityId: id } },
        {
          log,
          group,
          pools: new Map([
            [
              undefined,
              {
                metrics: createMetricsFake(),
                vendor: { readDemand: async () => ({ queued: 0, running: 0 }) },
                retirement: {
                  async drain({ name }) {
                    asked.push(name);
                    return "idle";
                  },
                  undrain: async () => {},
                  deregister: async () => {},
                },
              },
            ],
          ]),
        },
      ),
  };
}

const taken = { batchItemFailures: [] };

describe("an instance whose agent ever registered", () => {
  it("is never ended for having never registered, in whatever order and however often its words come", async () => {
    await fc.assert(
      fc.asyncProperty(anyDeliveries, fc.boolean(), async (said, atOnce) => {
        const { id, asked, deliver, decided, drained } = setUp();
        for (const batch of atOnce ? [said] : said.map((word) => [word])) expect(await deliver(batch)).toEqual(taken);
        const decision = await decided();
        if (said.includes("registered")) {
          expect(decision).toEqual({ state: "unclear", retired: [], discard: [], supply: 1 });
          expect((await decided([])).retired).toEqual([]);
          expect(await drained()).toEqual({ state: "stays" });
          expect(asked).toEqual([]);
        } else {
          expect(decision).toEqual({ state: "failed", retired: ["never-registered"], discard: [], supply: 0 });
          expect(await drained()).toEqual({ state: "idle" });
          expect(asked).toEqual([id]);
        }
      }),
    );
  });

  it("is left alone though the word that it registered comes after the loop has decided to end it", async () => {
    const { asked, deliver, decided, drained } = setUp();
    await deliver(["never-registered"]);
    expect((await decided()).retired).toEqual(["never-registered"]);
    await deliver(["registered", "never-registered"]);
    expect(await drained()).toEqual({ state: "stays" });
    expect((await decided()).retired).toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe("an instance of a vendor that shows no agents", () => {
  it("is supply over its grace by its word that its agent registered, and unseen without one", async () => {
    const { deliver, decided } = setUp();
    expect(await decided()).toMatchObject({ state: "unseen", supply: 0 });
    await deliver(["registered"]);
    expect(await decided()).toEqual({ state: "unclear", retired: [], discard: [], supply: 1 });
  });
});
