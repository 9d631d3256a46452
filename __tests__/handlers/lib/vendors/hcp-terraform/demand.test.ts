import { describe, expect, it } from "vitest";
import {
  type CountedRun,
  demandOfRuns,
  demandOfSeenRuns,
} from "../../../../../handlers/lib/vendors/hcp-terraform/demand.ts";

const noon = new Date("2026-01-01T12:00:00.000Z");
const minutesBefore = (minutes: number) => new Date(noon.getTime() - minutes * 60_000);

function run(status: string, options: Partial<CountedRun> = {}): CountedRun {
  return { workspaceId: "ws-1", planOnly: false, status, since: noon, ...options };
}

const waiting = [
  "planned",
  "planned_and_saved",
  "cost_estimated",
  "policy_checked",
  "policy_override",
  "post_plan_awaiting_decision",
  "post_plan_completed",
  "pre_plan_awaiting_decision",
  "pre_apply_awaiting_decision",
];
const final = [
  "applied",
  "planned_and_finished",
  "errored",
  "canceled",
  "force_canceled",
  "discarded",
  "policy_soft_failed",
];
const queued = ["plan_queued", "apply_queued"];
const onTheWay = [
  "fetching",
  "fetching_completed",
  "pre_plan_running",
  "pre_plan_completed",
  "queuing",
  "cost_estimating",
  "policy_checking",
  "post_plan_running",
  "confirmed",
  "queuing_apply",
  "pre_apply_running",
  "pre_apply_completed",
  "a_status_of_the_future",
];

describe.each([
  ["runs", demandOfRuns],
  ["seen runs", demandOfSeenRuns],
])("demand of %s", (_name, read) => {
  const demandOf = (runs: readonly CountedRun[]) => read(runs, noon);

  it.each(waiting)("defect 7: %s holds no agent while a person decides", (status) => {
    expect(demandOf([run(status)])).toEqual({ queued: 0, running: 0, oldestQueuedAt: undefined });
  });

  it.each(final)("defect 2: %s is the end of a run", (status) => {
    expect(demandOf([run(status)])).toMatchObject({ queued: 0, running: 0 });
  });

  it.each(queued)("%s wants an agent, however long it waits", (status) => {
    const since = minutesBefore(600);
    expect(demandOf([run(status, { since })])).toEqual({ queued: 1, running: 0, oldestQueuedAt: since });
  });

  it.each(onTheWay)("%s counts for two minutes, and waits for no agent", (status) => {
    const nobody = { queued: 0, running: 0, oldestQueuedAt: undefined };
    expect(demandOf([run(status, { since: minutesBefore(1.9) })])).toEqual({ ...nobody, expected: 1 });
    expect(demandOf([run(status, { since: minutesBefore(2) })])).toEqual(nobody);
  });

  it("counts a workspace by the run of it that is farthest", () => {
    const [stage, waits, works] = [run("post_plan_running"), run("apply_queued"), run("planning")];
    expect(demandOf([stage, waits])).toEqual({ queued: 1, running: 0, oldestQueuedAt: noon });
    expect(demandOf([works, stage])).toEqual({ queued: 0, running: 1, oldestQueuedAt: undefined });
    expect(demandOf([run("post_plan_running", { planOnly: true }), waits])).toMatchObject({ queued: 1, expected: 1 });
  });

  it.each(["planning", "applying"])("%s has one", (status) => {
    expect(demandOf([run(status)])).toEqual({ queued: 0, running: 1, oldestQueuedAt: undefined });
  });

  it("defect 7: counts a workspace once, however many of its runs wait", () => {
    const runs = [run("plan_queued"), run("apply_queued"), run("plan_queued", { workspaceId: "ws-2" })];
    expect(demandOf(runs)).toMatchObject({ queued: 2, running: 0 });
  });

  it("tells since when the first run of a workspace waits, in whatever order they come", () => {
    const [older, younger] = [run("plan_queued", { since: minutesBefore(9) }), run("apply_queued")];
    for (const runs of [
      [older, younger],
      [younger, older],
    ])
      expect(demandOf(runs).oldestQueuedAt).toEqual(minutesBefore(9));
  });

  it("takes a workspace for running when any of its runs is", () => {
    expect(demandOf([run("plan_queued"), run("applying"), run("fetching")])).toEqual({
      queued: 0,
      running: 1,
      oldestQueuedAt: undefined,
    });
  });

  it("counts every plan-only run, beside the workspace's own", () => {
    const planOnly = { planOnly: true };
    const runs = [
      run("plan_queued", planOnly),
      run("plan_queued", planOnly),
      run("planning", planOnly),
      run("planning"),
    ];
    expect(demandOf(runs)).toMatchObject({ queued: 2, running: 2 });
  });

  it("tells since when the oldest job that waits has waited, and ignores older ones that run or are decided upon", () => {
    const runs = [
      run("plan_queued", { since: minutesBefore(3) }),
      run("apply_queued", { since: minutesBefore(5) }),
      run("plan_queued", { since: minutesBefore(1), workspaceId: "ws-2" }),
      run("planning", { since: minutesBefore(60), workspaceId: "ws-3" }),
      run("planned", { since: minutesBefore(90), workspaceId: "ws-4" }),
    ];
    expect(demandOf(runs).oldestQueuedAt).toEqual(minutesBefore(5));
  });
});

describe("pending", () => {
  it("defect 7: is no demand in the runs API, where it means behind another run or a lock", () => {
    expect(demandOfRuns([run("pending")], noon)).toMatchObject({ queued: 0, running: 0 });
    expect(demandOfRuns([run("pending"), run("planning")], noon)).toMatchObject({ queued: 0, running: 1 });
  });

  it("is demand in notifications, which never tell plan_queued, but not behind a run of the same workspace", () => {
    expect(demandOfSeenRuns([run("pending")], noon)).toMatchObject({ queued: 1, running: 0 });
    expect(demandOfSeenRuns([run("pending"), run("pending"), run("planning")], noon)).toMatchObject({
      queued: 0,
      running: 1,
    });
  });
});
