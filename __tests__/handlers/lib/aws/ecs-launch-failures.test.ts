import type { Task } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { countingFailures, type FailedTask, failedTaskOf } from "../../../../handlers/lib/aws/ecs-launch-failures.ts";
import { neverRegisteredExitCode } from "../../../../handlers/lib/settings/ecs-capacity.ts";

const startedAt = new Date("2026-01-01T00:00:00Z");
const lasted = (seconds: number) => ({ startedAt, stoppedAt: new Date(startedAt.getTime() + seconds * 1000) });
const exited = { stopCode: "EssentialContainerExited" } as const;
const failedToStart = { stopCode: "TaskFailedToStart", stoppedAt: startedAt } as const;

describe("a stopped task was launched in vain", () => {
  it.each<[what: string, failed: boolean, task: Task]>([
    [
      "that says itself that it never registered, after ten minutes",
      true,
      { ...exited, ...lasted(600), containers: [{ exitCode: 86 }] },
    ],
    [
      "that says so when it is stopped",
      true,
      { stopCode: "UserInitiated", ...lasted(600), containers: [{ exitCode: 86 }] },
    ],
    ["that someone else stopped", false, { stopCode: "UserInitiated", stoppedReason: "by hand" }],
    ["that crashed at boot", true, { ...exited, ...lasted(119), containers: [{ exitCode: 1 }] }],
    ["that crashed before ECS saw it run", true, { ...exited, containers: [{ exitCode: 78 }] }],
    ["that ended in error after a while", false, { ...exited, ...lasted(120), containers: [{ exitCode: 1 }] }],
    ["that ended well at once", false, { ...exited, ...lasted(1), containers: [{ exitCode: 0 }] }],
    ["that Spot took away", false, { stopCode: "SpotInterruption", ...lasted(5), containers: [{ exitCode: 137 }] }],
  ])("if it is one %s: %s", (_, failed, task) => {
    const failure = failedTaskOf({ stoppedAt: startedAt, ...task });
    expect(failure?.at).toEqual(failed ? (task.stoppedAt ?? startedAt) : undefined);
    expect(failure?.blocks).toBe(failed ? "hour" : undefined);
  });

  it.each([
    "RESOURCE:CPU",
    "RESOURCE:MEMORY",
    "RESOURCE:ENI",
    "AGENT",
    "EMPTY CAPACITY PROVIDER",
    "NO ACTIVE INSTANCES",
    "No Container Instances were found in your capacity provider.",
  ])("holds up no other where ECS found no host for it: %s", (reason) => {
    for (const stoppedReason of [reason, `TaskFailedToStart: ${reason}`]) {
      expect(failedTaskOf({ ...failedToStart, stoppedReason })).toMatchObject({ kind: "capacity", blocks: "never" });
    }
  });

  it("counts only once it is over", () => {
    expect(failedTaskOf({ stopCode: "TaskFailedToStart", stoppedReason: "ResourceInitializationError" })).toBe(
      undefined,
    );
  });

  it("exits with 86 where its agent never registered: entry points and loop agree on the number", () => {
    expect(neverRegisteredExitCode).toBe(86);
  });
});

describe("how long a task that failed to start holds up others", () => {
  const image = "111122223333.dkr.ecr.us-west-2.amazonaws.com/ci:current";

  it.each<[what: string, blocks: FailedTask["blocks"], reasons: Pick<Task, "stoppedReason" | "containers">]>([
    [
      "on Fargate without its image",
      "minutes",
      {
        stoppedReason: `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: ${image}: not found`,
      },
    ],
    [
      "on a host without its image",
      "minutes",
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
      "without a way to the registry",
      "hour",
      {
        stoppedReason: `CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref ${image}: failed to do request: Head "https://${image}": dial tcp 10.0.3.17:443: i/o timeout`,
      },
    ],
    [
      "beyond the registry's pull limit",
      "minutes",
      {
        stoppedReason:
          "CannotPullContainerError: toomanyrequests: You have reached your unauthenticated pull rate limit.",
      },
    ],
    [
      "without a value in its secret",
      "minutes",
      {
        stoppedReason:
          "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
      },
    ],
    [
      "on a host without a value in its secret",
      "minutes",
      {
        stoppedReason: "Task failed to start",
        containers: [{ reason: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT" }],
      },
    ],
    [
      "without the right to its secret",
      "hour",
      {
        stoppedReason:
          "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: no",
      },
    ],
    ["for a reason nobody knows", "minutes", { stoppedReason: "Something new" }],
    ["for want of Spot", "never", { stoppedReason: "Capacity is unavailable at this time." }],
    ["for want of addresses", "never", { stoppedReason: "InsufficientFreeAddressesInSubnet" }],
  ])("%s: %s", (_, blocks, reasons) => {
    expect(failedTaskOf({ ...failedToStart, ...reasons })?.blocks).toBe(blocks);
  });
});

describe("where a task that failed to start would fail again", () => {
  const attachment = (subnet: string) => [
    { type: "ElasticNetworkInterface", details: [{ name: "subnetId", value: subnet }] },
  ];
  const spot = { capacityProviderName: "FARGATE_SPOT", attachments: attachment("subnet-a") };
  const host = { capacityProviderName: "hosts-apps", attachments: attachment("subnet-a") };

  it.each<[what: string, place: FailedTask["place"], task: Task]>([
    [
      "Spot is short in one zone",
      { capacityProvider: "FARGATE_SPOT", subnet: "subnet-a" },
      { ...spot, stoppedReason: "Capacity is unavailable at this time." },
    ],
    [
      "Spot is short, and nobody says where",
      { capacityProvider: "FARGATE_SPOT", subnet: undefined },
      { capacityProviderName: "FARGATE_SPOT", stoppedReason: "Capacity is unavailable at this time." },
    ],
    [
      "a subnet has no addresses, which its words name",
      { subnet: "subnet-b" },
      {
        ...spot,
        stoppedReason:
          "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-b': InsufficientFreeAddressesInSubnet",
      },
    ],
    [
      "a subnet has no addresses",
      { subnet: "subnet-a" },
      { ...spot, stoppedReason: "InsufficientFreeAddressesInSubnet" },
    ],
    [
      "a registry limits the pulls of one address",
      { subnet: "subnet-a" },
      { ...spot, stoppedReason: "CannotPullContainerError: toomanyrequests: Rate exceeded" },
    ],
    [
      "a subnet has no way to the registry",
      { subnet: "subnet-a" },
      { ...spot, stoppedReason: "CannotPullContainerError: dial tcp 10.0.3.17:443: i/o timeout" },
    ],
    [
      "a quota is used up",
      { capacityProvider: "FARGATE_SPOT" },
      { ...spot, stoppedReason: "You've reached the limit on the number of vCPUs you can run concurrently" },
    ],
    [
      "a host has no place for a network interface",
      { capacityProvider: "hosts-apps" },
      { ...host, stoppedReason: "RESOURCE:ENI" },
    ],
    ["hosts are short", { capacityProvider: "hosts-apps" }, { ...host, stoppedReason: "InsufficientInstanceCapacity" }],
    ["the image is missing", undefined, { ...spot, stoppedReason: "CannotPullContainerError: ci: not found" }],
  ])("where %s", (_, place, task) => {
    expect(failedTaskOf({ ...failedToStart, ...task })?.place).toEqual(place);
  });
});

describe("failures of one subnet", () => {
  const failure = (subnet?: string): FailedTask => ({
    at: startedAt,
    kind: "configuration",
    message: "i/o timeout",
    blocks: "hour",
    ...(subnet && { place: { subnet } }),
  });

  it("do not count while another subnet takes the launches", () => {
    expect(countingFailures([failure("subnet-a"), failure("subnet-a")], ["subnet-a", "subnet-b"])).toEqual([]);
  });

  it("do not count where the other subnet only lacked room", () => {
    const noRoom = { ...failure("subnet-b"), kind: "capacity", blocks: "never" } as const;
    expect(countingFailures([failure("subnet-a"), noRoom], ["subnet-a", "subnet-b"])).toEqual([]);
  });

  it("count once launches fail in every subnet", () => {
    const everywhere = [failure("subnet-a"), failure("subnet-b")];
    expect(countingFailures(everywhere, ["subnet-a", "subnet-b"])).toEqual(everywhere);
    expect(countingFailures([failure("subnet-a")], ["subnet-a"])).toHaveLength(1);
  });

  it("do not hide those that would fail anywhere", () => {
    expect(countingFailures([failure("subnet-a"), failure()], ["subnet-a", "subnet-b"])).toEqual([failure()]);
  });
});
