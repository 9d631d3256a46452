import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinAgents } from "../../../../handlers/lib/core/agents.ts";
import type { Snapshot } from "../../../../handlers/lib/core/model.ts";
import type { Policy } from "../../../../handlers/lib/core/policy.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { countStates, isSupply } from "../../../../handlers/lib/core/supply.ts";
import {
  always,
  anyForeignAgents,
  anyMembers,
  anyPolicy,
  anyRetiring,
  anySnapshot,
  anyVendorAgents,
  now,
  numRuns,
} from "./arbitraries.ts";
import { createWorld } from "./settling-world.ts";

describe("invariant 1: the ceiling and the floor", () => {
  it("defect 3: existing and launched agents never exceed max; where more exist, none is launched", () => {
    always(({ agents }, { max }, { launch }) => {
      expect(launch.length).toBeLessThanOrEqual(Math.max(0, max - agents.length));
    });
  });

  it("defect 3: what is wanted lies between min and max", () => {
    always((_, { min, max }, { wanted }) => {
      expect(wanted).toBeGreaterThanOrEqual(min);
      expect(wanted).toBeLessThanOrEqual(max);
    });
  });

  it("defect 3: a closed circuit and room let the supply reach the floor, whatever the cooldown", () => {
    always(({ agents, settling }, { min, max, maxAddedPerTick }, { supply, launch, circuitOpen }) => {
      if (circuitOpen || settling) return;
      const possible = Math.min(min - supply, max - agents.length, maxAddedPerTick);
      expect(launch.length).toBeGreaterThanOrEqual(possible);
    });
  });
});

describe("invariant 2: who may go", () => {
  it("defect 1: only idle agents are candidates for scale-in, only dead machines are discarded", () => {
    always((_, policy, { scaleIn, discard }) => {
      expect(scaleIn.candidates.every((agent) => agent.state === "idle")).toBe(true);
      expect(scaleIn.count).toBeLessThanOrEqual(Math.min(scaleIn.candidates.length, policy.maxRemovedPerTick));
      expect(discard.every((agent) => agent.state === "failed" && agent.dead)).toBe(true);
    });
  });

  it("defect 1: whoever is retired has a reason that the workflow must prove, and is retired once", () => {
    always(({ demand, vendorShowsAgents }, policy, { retire, scaleIn }) => {
      if (!policy.canRetire) expect(retire).toEqual([]);
      const jobs = demand.queued + demand.running;
      for (const { agent, reason } of retire) {
        // With a ceiling of 0 all agents are to leave, each after its job.
        if (reason === "surplus" && policy.max > 0) expect(jobs).toBe(0);
        if (reason === "unseen") expect([agent.state, vendorShowsAgents]).toEqual(["unseen", false]);
        if (reason === "never-registered") expect([agent.state, agent.dead]).toEqual(["failed", false]);
        if (agent.state === "unseen") expect(reason).toBe("unseen");
        expect(["starting", "ordered"]).not.toContain(agent.state);
      }
      const agents = retire.map(({ agent }) => agent);
      expect(new Set(agents).size).toBe(agents.length);
      expect(agents.filter((agent) => scaleIn.candidates.includes(agent))).toEqual([]);
    });
  });

  it("a misleading answer of the vendor retires no more than one tick's share", () => {
    always((_, { maxRemovedPerTick }, { retire }) => {
      const drained = retire.filter(({ reason }) => reason === "drained").length;
      const held = retire.filter(({ reason }) => reason === "terminating").length;
      expect(drained).toBeLessThanOrEqual(maxRemovedPerTick);
      expect(retire.length - drained - held).toBeLessThanOrEqual(maxRemovedPerTick);
    });
  });

  it("every instance that a hook holds is waited for, also in a fleet that is switched off", () => {
    always((snapshot, policy, { retire }) => {
      const held = policy.canRetire ? snapshot.agents.filter((agent) => agent.held) : [];
      for (const decision of [{ retire }, decide(snapshot, { ...policy, enabled: false }, now)]) {
        const waited = decision.retire.filter(({ reason }) => reason === "terminating").map(({ agent }) => agent);
        expect(waited).toEqual(held);
      }
    });
  });

  it("defect 1: scale-in leaves as many registered agents as any of the last observations wanted", () => {
    always(({ agents, recentlyWanted }, { scaleInAfterObservations }, { scaleIn, supply, wanted }) => {
      if (scaleIn.count === 0) return;
      const { starting, ordered } = countStates(agents);
      const earlier = scaleInAfterObservations - 1;
      expect(recentlyWanted.length).toBeGreaterThanOrEqual(earlier);
      const counted = earlier === 0 ? [] : recentlyWanted.slice(-earlier);
      expect(supply - starting - ordered - scaleIn.count).toBeGreaterThanOrEqual(Math.max(wanted, ...counted));
    });
  });

  it("defect 1: nobody is scaled in where agents leave by themselves", () => {
    always((_, { departure }, { scaleIn }) => {
      if (departure === "by-itself") expect(scaleIn).toEqual({ count: 0, candidates: [] });
    });
  });

  it("only orders are withdrawn, and only those that nobody wants or that move elsewhere", () => {
    always(({ agents, ordersToMove = 0 }, _, { withdraw, supply, wanted }) => {
      const unwanted = Math.max(0, supply - wanted);
      expect(withdraw).toBeLessThanOrEqual(Math.min(countStates(agents).ordered, Math.max(unwanted, ordersToMove)));
    });
  });

  it("agents that are replaced for their age or settings go a share at a time, and only while enough are there", () => {
    always(({ agents }, { renewAtOncePercent = 0 }, { retire, wanted, supply }) => {
      const renewed = retire.filter(({ reason }) => reason === "too-old" || reason === "outdated").length;
      if (renewed === 0) return;
      expect(supply).toBeGreaterThanOrEqual(wanted);
      const { starting, ordered, retiring } = countStates(agents);
      const atOnce = Math.max(1, Math.floor((agents.length * renewAtOncePercent) / 100));
      expect(renewed + starting + ordered + retiring).toBeLessThanOrEqual(atOnce);
    });
  });
});

describe("invariant 3: monotone, settling, without memory", () => {
  const more = fc.nat(100);

  it("more jobs never mean fewer agents wanted or launched", () => {
    fc.assert(
      fc.property(anySnapshot, anyPolicy, more, more, (snapshot, policy, queued, running) => {
        const { demand } = snapshot;
        const grown = { ...demand, queued: demand.queued + queued, running: demand.running + running };
        const before = decide(snapshot, policy, now);
        const after = decide({ ...snapshot, demand: grown }, policy, now);
        expect(after.wanted).toBeGreaterThanOrEqual(before.wanted);
        expect(after.launch.length).toBeGreaterThanOrEqual(before.launch.length);
        expect(after.scaleIn.count).toBeLessThanOrEqual(before.scaleIn.count);
        expect(after.withdraw).toBeLessThanOrEqual(before.withdraw);
      }),
      { numRuns },
    );
  });

  it("defect 2: decisions remember nothing: what was decided in between changes none", () => {
    fc.assert(
      fc.property(anySnapshot, anySnapshot, anyPolicy, (snapshot, other, policy) => {
        const first = decide(snapshot, policy, now);
        decide(other, policy, now);
        expect(decide(snapshot, policy, now)).toEqual(first);
      }),
    );
  });

  it("never launches and retires at once, and says which it does", () => {
    always((_, __, { action, launch, scaleIn }) => {
      expect(launch.length > 0).toBe(action === "scale-out");
      expect(scaleIn.count > 0).toBe(action === "scale-in");
    });
  });

  it("passes over a world in which only they change anything come to rest", () => {
    fc.assert(
      fc.property(anySnapshot, anyPolicy, (start, policy) => {
        const world = createWorld(
          { ...start, launches: [], circuit: {} },
          { ...policy, maxLifetimeSeconds: undefined, renewAtOncePercent: undefined },
        );
        for (let pass = 0; pass < 100; pass += 1) world.pass();
        for (let pass = 0; pass < 5; pass += 1) {
          expect(world.pass()).toMatchObject({ action: "hold", discard: [], withdraw: 0 });
          expect(world.agents.length).toBeLessThanOrEqual(Math.max(policy.max, start.agents.length));
        }
      }),
    );
  });

  it("an idle fleet whose burst agents time out keeps its standing agents and launches nothing more", () => {
    fc.assert(
      fc.property(anySnapshot, anyPolicy, (start, policy) => {
        const idle = { ...start, demand: { queued: 0, running: 0 }, launches: [], circuit: {}, settling: false };
        const world = createWorld(
          idle,
          { ...policy, maxLifetimeSeconds: undefined, renewAtOncePercent: undefined },
          { idleBurstAgentsLeave: true, jobsEnd: true },
        );
        for (let pass = 0; pass < 150; pass += 1) world.pass();
        const standing = standingOf(policy);
        for (let pass = 0; pass < 5; pass += 1) {
          expect(world.pass().launch).toEqual([]);
          expect(world.agents.length).toBeGreaterThanOrEqual(standing);
        }
      }),
    );
  });
});

describe("invariant 5: by name only", () => {
  it("defect 1: whoever is taken out is one agent of the snapshot, named once", () => {
    always(({ agents }, _, { retire, scaleIn, discard }) => {
      const named = [...retire.map(({ agent }) => agent), ...scaleIn.candidates, ...discard];
      expect(named.every((agent) => agents.includes(agent))).toBe(true);
      expect(new Set(named).size).toBe(named.length);
    });
  });
});

describe("invariant 6: agents that are not ours", () => {
  it("change no decision", () => {
    fc.assert(
      fc.property(
        anyMembers,
        anyVendorAgents,
        anyForeignAgents,
        anyRetiring,
        anyPolicy,
        (members, vendorAgents, foreign, retiring, policy) => {
          const decideOn = (records: typeof vendorAgents) => {
            const { agents } = joinAgents({
              members,
              vendorAgents: records,
              retiring,
              missingSince: new Map(),
              namePrefix: "ci_",
              registrationGraceSeconds: policy.registrationGraceSeconds,
              now,
            });
            const demand = { queued: 3, running: 2 };
            const rest = { vendorShowsAgents: true, launches: [], circuit: {}, recentlyWanted: [] };
            return decide({ demand, agents, ...rest }, policy, now);
          };
          expect(decideOn([...vendorAgents, ...foreign])).toEqual(decideOn(vendorAgents));
        },
      ),
    );
  });
});

describe("roles", () => {
  it("no more floor agents are made than an idle fleet keeps, and those before any burst agent", () => {
    always((snapshot, policy, { launch, load }) => {
      const made = launch.filter((role) => role === "floor").length;
      const wanting = Math.max(0, standingUnder(snapshot, policy, load.jobs) - floorLeft(snapshot, policy));
      expect(made).toBe(Math.min(launch.length, wanting));
      expect(launch.slice(0, made).every((role) => role === "floor")).toBe(true);
    });
  });

  it("are given once, to every agent without one that stays and leaves by itself, and the oldest make the floor", () => {
    always((snapshot, policy, { assignRoles, load }) => {
      const { agents } = snapshot;
      const without = agents.filter((agent) => agent.role === undefined && isSupply(agent));
      const assigned = new Map(assignRoles.map(({ agent, role }) => [agent, role]));
      expect(assigned.size).toBe(assignRoles.length);
      expect(new Set(assigned.keys())).toEqual(new Set(policy.departure === "by-itself" ? without : []));
      const floor = assignRoles.filter(({ role }) => role === "floor").map(({ agent }) => agent);
      const wanting = Math.max(0, standingUnder(snapshot, policy, load.jobs) - floorLeft(snapshot, policy));
      expect(floor.length).toBe(Math.min(assignRoles.length, wanting));
      const youngest = Math.max(...floor.map(({ launchedAt }) => launchedAt.getTime()));
      for (const [agent, role] of assigned) {
        if (role === "burst") expect(agent.launchedAt.getTime()).toBeGreaterThanOrEqual(youngest);
      }
    });
  });
});

/** So many agents an idle fleet keeps: a percentage of no jobs is none. */
function standingOf({ min, buffer }: Policy): number {
  return typeof buffer === "number" ? Math.max(min, buffer) : min;
}

/** With jobs, a percentage keeps as many as both the present jobs and the average load ask for. */
function standingUnder({ demand, agents, vendorShowsAgents }: Snapshot, policy: Policy, load: number): number {
  const { min, max, buffer } = policy;
  if (typeof buffer === "number") return standingOf(policy);
  const working = vendorShowsAgents ? countStates(agents).busy : demand.running;
  const jobs = working + demand.queued + (demand.expected ?? 0);
  const share = Math.min(Math.ceil((jobs * buffer.percent) / 100), Math.round((load * buffer.percent) / 100));
  return Math.min(max, Math.max(min, share));
}

/** Floor agents, but for those that are sure to leave after the job they have. */
function floorLeft({ agents, demand, vendorShowsAgents }: Snapshot, { singleUse }: Policy): number {
  const floor = agents.filter((agent) => agent.role === "floor" && isSupply(agent));
  const busy = floor.filter(({ state }) => state === "busy").length;
  const burst = agents.filter(({ role, state }) => role === "burst" && state === "unclear").length;
  const surelyBusy = vendorShowsAgents ? busy : Math.min(floor.length, Math.max(0, demand.running - burst));
  return floor.length - (singleUse ? surelyBusy : 0);
}
