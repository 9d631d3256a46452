import type { Task } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import {
  classifyFailureReason,
  countLastHour,
  type FailedLaunch,
  failedLaunchOf,
  neverRegistered,
} from "../../../../handlers/lib/aws/ecs-launch-failures.ts";
import { classifyLaunchError, isRefusal } from "../../../../handlers/lib/aws/launch-failures.ts";

it.each([
  ["Capacity is unavailable at this time. Please try again later or in a different availability zone", "capacity"],
  ["RESOURCE:ENI", "capacity"],
  ["RESOURCE:MEMORY", "capacity"],
  ["AGENT", "capacity"],
  ["You've reached the limit on the number of vCPUs you can run concurrently", "quota"],
  ["You've reached the limit on the number of tasks you can run concurrently", "quota"],
  ["MISSING", "configuration"],
  ["INACTIVE", "configuration"],
  ["ATTRIBUTE", "configuration"],
  ["something new", "capacity"],
])("a failure %j is one of %s", (reason, kind) => {
  expect(classifyFailureReason(reason)).toBe(kind);
});

describe("an exception of RunTask", () => {
  const exception = (name: string, message: string, $fault?: string) =>
    Object.assign(new Error(message), { name, $fault });

  it.each([
    ["ThrottlingException", "Rate exceeded", "client", "throttling"],
    ["ClientException", "You've reached the limit on the number of vCPUs you can run concurrently", "client", "quota"],
    ["ThrottlingException", "You've reached the limit on the number of vCPUs", "client", "quota"],
    ["LimitExceededException", "too many tags", "client", "quota"],
    ["ClientException", "Capacity is unavailable at this time", "client", "capacity"],
    ["AccessDeniedException", "not authorized to perform: ecs:RunTask", "client", "configuration"],
    ["ClusterNotFoundException", "Cluster not found.", "client", "configuration"],
    ["InvalidParameterException", "TaskDefinition is inactive", "client", "configuration"],
    ["ServerException", "Service Unavailable", "server", "throttling"],
    ["TimeoutError", "socket hang up", undefined, "throttling"],
  ])("%s %j (%s) is one of %s", (name, message, fault, kind) => {
    expect(classifyLaunchError(exception(name, message, fault))).toBe(kind);
  });

  it("leaves open whether a task was started, unless ECS refused", () => {
    expect(isRefusal(exception("AccessDeniedException", "no", "client"))).toBe(true);
    expect(isRefusal(exception("ServerException", "oops", "server"))).toBe(false);
    expect(isRefusal(exception("TimeoutError", "slow"))).toBe(false);
    expect(isRefusal("whatever")).toBe(false);
  });
});

describe("a stopped task was launched in vain", () => {
  const startedAt = new Date("2026-01-01T00:00:00Z");
  const lasted = (seconds: number) => ({ startedAt, stoppedAt: new Date(startedAt.getTime() + seconds * 1000) });
  const exited = { stopCode: "EssentialContainerExited" } as const;

  it.each<[what: string, failed: boolean, task: Task]>([
    ["that never registered", true, { stopCode: "UserInitiated", stoppedReason: neverRegistered }],
    ["that someone else stopped", false, { stopCode: "UserInitiated", stoppedReason: "by hand" }],
    [
      "whose image could not be pulled",
      true,
      { stopCode: "TaskFailedToStart", stoppedReason: "CannotPullContainerError: no such image" },
    ],
    [
      "for which there was no room, which says nothing about the agent",
      false,
      { stopCode: "TaskFailedToStart", stoppedReason: "Capacity is unavailable at this time." },
    ],
    ["that crashed at boot", true, { ...exited, ...lasted(119), containers: [{ exitCode: 1 }] }],
    ["that crashed before ECS saw it run", true, { ...exited, containers: [{ exitCode: 78 }] }],
    ["that ended in error after a while", false, { ...exited, ...lasted(120), containers: [{ exitCode: 1 }] }],
    ["that ended well at once", false, { ...exited, ...lasted(1), containers: [{ exitCode: 0 }] }],
    ["that Spot took away", false, { stopCode: "SpotInterruption", ...lasted(5), containers: [{ exitCode: 137 }] }],
  ])("if it is one %s: %s", (_, failed, task) => {
    expect(failedLaunchOf({ stoppedAt: startedAt, ...task })).toEqual(
      failed ? { at: task.stoppedAt ?? startedAt, lacksImage: false } : undefined,
    );
  });

  it("counts only once it is over", () => {
    expect(failedLaunchOf({ stopCode: "TaskFailedToStart", stoppedReason: "ResourceInitializationError" })).toBe(
      undefined,
    );
  });

  const image = "111122223333.dkr.ecr.us-west-2.amazonaws.com/ci:current";

  it.each<[where: string, lacksImage: boolean, reasons: Pick<Task, "stoppedReason" | "containers">]>([
    [
      "Fargate",
      true,
      {
        stoppedReason: `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: ${image}: not found`,
      },
    ],
    [
      "a host",
      true,
      {
        stoppedReason: "Task failed to start",
        containers: [
          {
            reason: `CannotPullContainerError: Error response from daemon: manifest for ${image} not found: manifest unknown: Requested image not found`,
          },
        ],
      },
    ],
    [
      "Fargate without a way to the registry",
      false,
      {
        stoppedReason: `CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref ${image}: failed to do request: Head "https://${image}": dial tcp 10.0.3.17:443: i/o timeout`,
      },
    ],
    [
      "Fargate without a secret",
      false,
      { stoppedReason: "ResourceInitializationError: unable to pull secrets: secret not found" },
    ],
  ])("for want of an image or not, on %s: %s", (_, lacksImage, reasons) => {
    const task: Task = { stopCode: "TaskFailedToStart", stoppedAt: startedAt, ...reasons };
    expect(failedLaunchOf(task)).toEqual({ at: startedAt, lacksImage });
  });
});

describe("the launches that failed within the hour", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  const failed = (minutesAgo: number, lacksImage = false): FailedLaunch => ({
    at: new Date(now.getTime() - minutesAgo * 60_000),
    lacksImage,
  });

  it.each<[what: string, count: number, failures: readonly FailedLaunch[]]>([
    ["count for an hour", 2, [failed(0), failed(59), failed(60)]],
    ["count for ten minutes where the image is missing, which someone is to build", 1, [failed(30), failed(10, true)]],
    ["all count again once one more fails for want of the image", 3, [failed(1, true), failed(11, true), failed(30)]],
    ["are forgotten after the hour with an image or without", 1, [failed(1, true), failed(60, true), failed(60)]],
  ])("%s", (_, count, failures) => {
    expect(countLastHour(failures, now)).toBe(count);
  });
});
