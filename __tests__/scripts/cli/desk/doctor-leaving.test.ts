import { describe } from "vitest";
import type { DeskWorld } from "../../../fakes/desk-world.ts";
import { type Case, findsEach } from "./diagnosed.ts";

const input = (world: DeskWorld, deadlineIn: number) => ({
  agent: { name: "i-00000002", capacityId: "i-00000002" },
  reason: "scale-in",
  deadline: world.secondsAgo(-deadlineIn).toISOString(),
});

const entered = (name: string) => ({ type: "TaskStateEntered", stateEnteredEventDetails: { name } });
const exited = (output: object) => ({
  type: "TaskStateExited",
  stateExitedEventDetails: { name: "Drain", output: JSON.stringify(output) },
});

describe("fleet doctor about retirements", () => {
  findsEach([
    {
      what: "a retirement after its deadline",
      kind: "instances",
      make: (world) => {
        const events = [entered("Wait"), { type: "TaskSucceeded" }, exited({ drain: { state: "busy" } })];
        world.executions = [
          {
            name: "i-00000002.scale-in.1",
            status: "RUNNING",
            startedAt: world.secondsAgo(9000),
            input: input(world, -60),
            events,
          },
        ];
      },
      id: "retirement-stuck",
      says: /in the state Wait: the agent has a job/,
    },
    {
      what: "a retirement whose calls fail",
      kind: "instances",
      make: (world) => {
        const details = { error: "VendorApiError", cause: JSON.stringify({ errorMessage: "drain: HTTP 401" }) };
        const events = [entered("Wait"), { type: "TaskFailed", taskFailedEventDetails: details }];
        world.executions = [
          {
            name: "i-00000002.scale-in.1",
            status: "RUNNING",
            startedAt: world.secondsAgo(900),
            input: input(world, 900),
            events,
          },
        ];
      },
      id: "retirement-stuck",
      says: /VendorApiError: drain: HTTP 401/,
    },
    ...(["FAILED", "TIMED_OUT", "ABORTED"] as const).map(
      (status): Case => ({
        what: `a retirement that ended as ${status}`,
        kind: "instances",
        make: (world) => {
          world.executions = [
            {
              name: "i-1.scale-in.1",
              status,
              startedAt: world.secondsAgo(900),
              stoppedAt: world.secondsAgo(600),
              input: input(world, 900),
              error: "RetirementFailed",
              cause: "it takes jobs again",
              events: [],
            },
          ];
        },
        id: "retirement-failed",
        severity: "warning",
        says: new RegExp(`${status} at 23:50:00: RetirementFailed: it takes jobs again`),
      }),
    ),
  ]);
});
