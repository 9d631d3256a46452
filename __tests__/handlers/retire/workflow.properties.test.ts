import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RetirementReason } from "../../../handlers/lib/core/retirement.ts";
import { createRetirementWorld, type Service } from "../../fakes/retirement-world.ts";
import { passTimeUntil } from "../../fakes/step-functions.ts";

const hour = 3600;
const agentIndex = fc.nat({ max: 2 });
/** Close together, where things get in each other's way, or spread. */
const at = fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 2 * hour }));
const seconds = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 2 * hour }));
const reason = fc.constantFrom<RetirementReason>("scale-in", "drained", "outdated", "spot-interruption", "surplus");
const service = fc.constantFrom<Service>("vendor", "autoscaling", "ec2", "ecs", "sns");

const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("job"),
      at,
      agent: agentIndex,
      seconds,
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("retire"), at, agent: agentIndex, reason }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("terminate"), at, agent: agentIndex }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("reclaim"), at, agent: agentIndex }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("break"), at, service, seconds }),
  },
) as fc.Arbitrary<{
  readonly what: "job" | "retire" | "terminate" | "reclaim" | "break";
  readonly at: number;
  readonly agent: number;
  readonly seconds: number;
  readonly reason: RetirementReason;
  readonly service: Service;
}>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: new Date("2026-01-01T00:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(["asg", "ecs"] as const)("whatever happens, in whatever order (%s)", (place) => {
  it("no job is killed by us, every retirement ends, and what is left is in order or an alert tells", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 14 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 1500 })),
        async (happenings, latencies) => {
          vi.clearAllTimers();
          const world = createRetirementWorld({ place });
          world.latency = () => latencies.next().value ?? 0;
          const agents = ["i-01", "i-02", "i-03"].map((name) => world.addAgent(name));
          for (const { what, at: moment, ...more } of happenings) {
            const agent = agents[more.agent ?? 0];
            setTimeout(() => {
              if (what === "break") return world.breakFor(more.service, more.seconds);
              if (agent?.lifecycle !== "InService") return;
              if (what === "job") world.giveJob(agent, more.seconds);
              if (what === "retire") void world.retire(agent, more.reason);
              if (what === "terminate" && place === "asg") world.terminate(agent);
              if (what === "reclaim") world.reclaim(agent);
            }, moment * 1000);
          }
          await vi.advanceTimersByTimeAsync(2 * hour * 1000 + 1);
          const executions = await passTimeUntil(world.settled());
          expect(executions.filter(({ status }) => status === "TIMED_OUT")).toEqual([]);
          expect(world.faults()).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
