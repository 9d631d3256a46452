import { describe, expect, it } from "vitest";
import type { JobRequest } from "../../../../../handlers/lib/vendors/azure-devops/api.ts";
import { demandOfJobs } from "../../../../../handlers/lib/vendors/azure-devops/demand.ts";
import { satisfies } from "../../../../../handlers/lib/vendors/azure-devops/demands.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const offered = {
  "Agent.Name": undefined,
  kubectl: "/usr/bin/kubectl",
  "Agent.OS": "Linux",
  "Agent.Version": "4.272.0",
  team: "web apps",
};

let ids = 0;
const job = (changes: Partial<JobRequest> = {}): JobRequest => {
  ids += 1;
  return { requestId: ids, queueTime: at(5), ...changes };
};
const agent = { id: 7, name: "ci_1" };

describe("demand of a pool's job requests (azure-devops)", () => {
  it.each<[string, Partial<JobRequest>, { queued: number; running: number }]>([
    ["waits", {}, { queued: 1, running: 0 }],
    ["waits, with nulls", { result: null, receiveTime: null, reservedAgent: null }, { queued: 1, running: 0 }],
    ["is on its way to an agent", { reservedAgent: agent }, { queued: 0, running: 1 }],
    ["runs", { reservedAgent: agent, receiveTime: at(6) }, { queued: 0, running: 1 }],
    ["runs on an agent that is not told", { receiveTime: at(6) }, { queued: 0, running: 1 }],
    ["is over", { reservedAgent: agent, receiveTime: at(6), result: "succeeded" }, { queued: 0, running: 0 }],
    ["was cancelled while it ran", { receiveTime: at(6), result: "canceled" }, { queued: 0, running: 0 }],
    ["was cancelled in the queue (defect 1)", { result: "canceled" }, { queued: 0, running: 0 }],
    ["ended in a way of the future", { result: "evaporated" }, { queued: 0, running: 0 }],
  ])("a job that %s", (_, row, expected) => {
    expect(demandOfJobs([job(row)], offered)).toEqual({
      ...expected,
      oldestQueuedAt: expected.queued ? new Date(at(5)) : undefined,
      ...(expected.running && row.receiveTime && { started: [{ at: new Date(at(6)), waitedSeconds: 60 }] }),
    });
  });

  it("tells since when the first job waits, of those that wait for us", () => {
    const jobs = [
      job({ queueTime: at(1), demands: ["gpu"] }),
      job({ queueTime: at(2), receiveTime: at(3), reservedAgent: agent }),
      job({ queueTime: at(4) }),
      job({ queueTime: "2026-01-01T00:03:30.1234567Z" }),
    ];
    expect(demandOfJobs(jobs, offered).oldestQueuedAt).toEqual(new Date("2026-01-01T00:03:30.123Z"));
  });

  it("tells of jobs that demand what our agents do not offer, and scales for none of them", () => {
    const jobs = [
      job({ demands: ["kubectl", "Agent.Version -gtVersion 2.182.1"] }),
      job({ demands: ["gpu", "kubectl"] }),
      job({ demands: ["Agent.OS -equals Windows_NT", "gpu"] }),
      job({ demands: ["gpu"], result: "canceled" }),
      job({ demands: ["gpu"], reservedAgent: agent }),
    ];
    expect(demandOfJobs(jobs, offered)).toEqual({
      queued: 1,
      running: 1,
      oldestQueuedAt: new Date(at(5)),
      unmatched: { jobs: 2, demands: ["Agent.OS -equals Windows_NT", "gpu"] },
    });
  });

  it("says nothing of unmatched jobs where there are none", () => {
    expect(demandOfJobs([job({ demands: null }), job({ demands: [] })], offered)).not.toHaveProperty("unmatched");
  });
});

describe("what satisfies a demand (azure-devops)", () => {
  it.each([
    ["kubectl", true],
    ["KubeCtl", true],
    ["helm", false],
    ["", false],
    ["Agent.OS -equals Linux", true],
    ["agent.os -EQUALS linux", true],
    ["Agent.OS  -equals   Linux ", true],
    ["Agent.OS -equals Windows_NT", false],
    ["team -equals web apps", true],
    ["team -equals web", false],
    ["missing -equals ", false],
    ["Agent.Version -gtVersion 2.182.1", true],
    ["Agent.Version -gtVersion 4.272.0", true],
    ["Agent.Version -gtVersion 4.272", true],
    ["Agent.Version -gtVersion 4.272.0.1", false],
    ["Agent.Version -gtVersion 4.1000.0", false],
    ["Agent.Version -gtVersion 4.99.9", true],
    ["Agent.Version -gtVersion 4.272.0-preview", true],
    ["Agent.Version -gtVersion 10", true],
    ["Agent.Version -gtVersion next", true],
    ["Agent.OS -gtVersion 1.0", false],
    ["agent.name", true],
    ["Agent.Name -equals ci_1", false],
    ["Agent.Name -gtVersion 1.0", false],
    ["Agent.OS -matches Lin.*", false],
    ["constructor", false],
  ])("%j: %s", (demand, satisfied) => {
    expect(satisfies(offered, demand)).toBe(satisfied);
  });
});
