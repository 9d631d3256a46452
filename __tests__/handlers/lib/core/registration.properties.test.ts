import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Agent, Circuit, Launch } from "../../../../handlers/lib/core/model.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { countStates } from "../../../../handlers/lib/core/supply.ts";
import { always, anyPolicy, now } from "./arbitraries.ts";
import { launched } from "./settling-world.ts";

describe("invariant 4: agents that never register", () => {
  const hourPasses = 60;

  it("count as supply until their grace is over, and are replaced then", () => {
    always(({ agents, demand, vendorShowsAgents, traffic, boots }, policy, { supply, wanted }) => {
      const count = countStates(agents);
      expect(supply).toBe(agents.length - count.retiring - count.offline - count.unseen - count.failed);
      const hung = agents.map((agent): Agent => (agent.state === "starting" ? { ...agent, state: "unseen" } : agent));
      const same = { demand, vendorShowsAgents, traffic, boots };
      const later = { ...same, agents: hung, launches: [], circuit: {}, recentlyWanted: [] };
      const calm = { ...policy, scaleOutCooldownSeconds: 0, maxAddedPerTick: 100 };
      const room = policy.max - agents.length;
      expect(decide(later, calm, now).launch.length).toBe(
        Math.max(0, Math.min(room, wanted - supply + count.starting)),
      );
    });
  });

  it("open the circuit, which from then on only lets one launch through now and then", () => {
    const fleet = fc.record({ min: fc.integer({ min: 1, max: 20 }), allowed: fc.integer({ min: 1, max: 15 }) });
    fc.assert(
      fc.property(anyPolicy, fleet, (base, { min, allowed }) => {
        const policy = {
          ...base,
          min,
          max: min + 5,
          maxFailedLaunchesPerHour: allowed,
          maxFailedLaunchesPercent: 50,
          circuitTrialSeconds: 600,
          maxRemovedPerTick: 50,
          registrationGraceSeconds: 120,
        };
        const launches: number[] = [];
        const failures: { readonly failed: number; readonly launchedAt: Date }[] = [];
        let opened = 0;
        let circuit: Circuit = {};
        let hung: Agent[] = [];
        for (let minute = 0; minute < 12 * hourPasses; minute += 1) {
          const at = new Date(now.getTime() + minute * 60_000);
          const agents = hung.map((agent): Agent => {
            const overdue = at.getTime() - agent.launchedAt.getTime() > policy.registrationGraceSeconds * 1000;
            return { ...agent, state: overdue ? "failed" : "starting", dead: overdue };
          });
          const history = [
            ...failures.filter(({ failed }) => failed > minute - hourPasses),
            ...agents.map(({ launchedAt }) => ({ launchedAt, failed: undefined })),
          ].map(
            ({ launchedAt, failed }): Launch => ({ at: launchedAt, result: failed === undefined ? "open" : "failed" }),
          );
          const snapshot = {
            demand: { queued: 0, running: 0 },
            agents,
            vendorShowsAgents: true,
            launches: history,
            circuit,
            recentlyWanted: [],
          };
          const decision = decide(snapshot, policy, at);
          circuit = decision.circuit;
          if (decision.circuitOpen) opened += 1;
          const stopped = new Set(decision.discard.map(({ name }) => name));
          failures.push(...decision.discard.map(({ launchedAt }) => ({ failed: minute, launchedAt })));
          launches.push(...decision.launch.map(() => minute));
          hung = [...agents.filter(({ name }) => !stopped.has(name)), ...launched(decision, `m${minute}`, at)];
        }
        for (const minute of launches) {
          const withinHour = launches.filter((other) => other > minute - hourPasses && other <= minute).length;
          // Those under way count as launched: they dilute the share until as many have failed.
          const untilItOpens = Math.max(allowed - 1, policy.max) + policy.max;
          expect(withinHour).toBeLessThanOrEqual(untilItOpens + 6);
        }
        expect(opened).toBeGreaterThan(0);
        expect(launches.some((minute) => minute > 6 * hourPasses)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
