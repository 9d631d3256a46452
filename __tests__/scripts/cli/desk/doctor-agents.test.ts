import { describe } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { agentA, busy, findsEach } from "./diagnosed.ts";

describe("fleet doctor about agents and jobs", () => {
  findsEach([
    {
      what: "agents that run and are not seen, with the tail of their log",
      make: (world) => {
        world.decide({ states: { unseen: [agentA] } });
        world.remember({ missingSince: { [agentA]: world.secondsAgo(900).getTime() } });
        world.log(
          `/agent-fleets/${fleetName}/agents`,
          world.secondsAgo(30),
          "registered in pool other",
          "agent/agent/1",
        );
      },
      id: "agents-unseen",
      says: /missing from the vendor's list since 23:45:00.*[\s\S]*registered in pool other/,
    },
    {
      what: "instances that are not seen, with the tail of their boot log",
      kind: "instances",
      make: (world) => {
        world.decide({ states: { unseen: ["i-00000001"] } });
        world.log(`/agent-fleets/${fleetName}/boot`, world.secondsAgo(30), "FAILED: launcher", "i-00000001");
      },
      id: "agents-unseen",
      says: /FAILED: launcher/,
    },
    {
      what: "foreign agents",
      make: (world) => {
        world.lines = [];
        for (const secondsAgo of [65, 5]) world.decide({ secondsAgo, states: busy, running: 1, foreign: 2 });
      },
      id: "foreign-agents",
      severity: "warning",
      says: /2 or more in each of the last 2 looks/,
    },
    {
      what: "a task that somebody started by hand",
      make: (world) => world.addTask("by-hand", { startedBy: "jane" }),
      id: "machines-of-others",
      severity: "warning",
      says: /arn:aws:ecs:.*task\/ci\/3/,
    },
    {
      what: "an instance on standby",
      kind: "instances",
      make: (world) => world.group.add({ lifecycle: "Standby" }),
      id: "machines-of-others",
      severity: "warning",
      says: /i-00000003/,
    },
    {
      what: "a fleet at its ceiling",
      make: (world) => world.decide({ queued: 20, running: 1, states: busy }),
      id: "at-ceiling",
      severity: "warning",
      says: /20 queued/,
    },
    {
      what: "a fleet that is full of agents that leave or are not seen",
      make: (world) => {
        world.policy = { max: 1 };
        world.decide({ queued: 2, states: { retiring: [agentA] } });
      },
      id: "no-room",
      says: /no room under max 1/,
    },
    {
      what: "jobs that nobody can take",
      make: (world) => world.decide({ states: busy, demand: { unmatched: { jobs: 2, demands: ["java"] } } }),
      id: "jobs-unmatched",
      severity: "warning",
      says: /java/,
    },
    {
      what: "jobs that wait although nothing fails",
      make: (world) => world.decide({ queued: 1, waitedSeconds: 4000, states: { starting: [agentA] } }),
      id: "slow-start",
      severity: "warning",
      says: /66 min/,
    },
  ]);
});
