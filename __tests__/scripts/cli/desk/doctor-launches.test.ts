import { describe } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { busy, failedToStart, findsEach, loopLog, stopTask } from "./diagnosed.ts";

describe("fleet doctor about launches that fail", () => {
  findsEach([
    {
      what: "a quota",
      make: (world) => {
        world.decide({ queued: 2, states: busy });
        const detail = "You've reached the limit on the number of vCPUs you can run concurrently";
        world.log(loopLog, world.secondsAgo(4), {
          level: "WARN",
          message: "launch failed",
          kind: "quota",
          detail,
          count: 2,
        });
      },
      id: "quota",
      says: /limit on the number of vCPUs/,
    },
    {
      what: "no capacity, with AWS's own reason from a stopped task",
      make: (world) =>
        stopTask(world, 120, failedToStart("Capacity is unavailable at this time. Please try again later")),
      id: "no-capacity",
      severity: "warning",
      says: /Capacity is unavailable at this time/,
    },
    {
      what: "no capacity, with AWS's own reason from a scaling activity",
      kind: "instances",
      make: (world) => {
        world.decide({ queued: 1, states: { busy: ["i-00000001", "i-00000002"] } });
        world.group.log({
          StatusCode: "Failed",
          StatusMessage:
            "We currently do not have sufficient m7i.large capacity in the Availability Zone you requested",
          StartTime: world.secondsAgo(200),
          EndTime: world.secondsAgo(199),
        });
      },
      id: "no-capacity",
      says: /sufficient m7i.large capacity/,
    },
    {
      what: "a subnet that is full",
      make: (world) => stopTask(world, 60, failedToStart("subnet-0a has insufficient free addresses")),
      id: "subnet-full",
      severity: "warning",
      says: /subnet-0a has insufficient free addresses/,
    },
    {
      what: "a limit of image pulls",
      make: (world) =>
        stopTask(
          world,
          60,
          failedToStart("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit"),
        ),
      id: "pull-limit",
      severity: "warning",
      says: /container-images.md#docker-hub/,
    },
    {
      what: "an image that a task cannot find",
      make: (world) => stopTask(world, 60, failedToStart("CannotPullContainerError: image x:y: not found")),
      id: "image-missing",
      severity: "warning",
      says: /image x:y: not found/,
    },
    {
      what: "an image that was never built",
      make: (world) => {
        world.imagePushedAt = undefined;
      },
      id: "image-missing",
      says: /fleet image build ci-agents/,
    },
    {
      what: "a secret that a task cannot get",
      make: (world) =>
        stopTask(
          world,
          60,
          failedToStart(
            "ResourceInitializationError: can't find the specified secret value for staging label: AWSCURRENT",
          ),
        ),
      id: "secret-empty-at-launch",
      severity: "warning",
      says: /fleet secret list ci-agents/,
    },
    {
      what: "hosts that are full",
      make: (world) => {
        world.decide({ queued: 3, states: busy });
        stopTask(world, 60, failedToStart("RESOURCE:MEMORY"));
      },
      id: "hosts-full",
      says: /RESOURCE:MEMORY/,
    },
    {
      what: "agents that never register, with the tail of their log",
      make: (world) => {
        stopTask(world, 60, {
          stopCode: "EssentialContainerExited",
          containers: [{ exitCode: 86 }],
          startedAt: world.secondsAgo(400),
        });
        const [id] = [...world.ecs.tasks.keys()].at(-1)?.split("/").slice(-1) ?? [];
        world.log(
          `/agent-fleets/${fleetName}/agents`,
          world.secondsAgo(70),
          "[ERROR] agent pool: unauthorized",
          `agent/agent/${id}`,
        );
      },
      id: "never-registered",
      severity: "warning",
      says: /\[ERROR\] agent pool: unauthorized/,
    },
    {
      what: "an open circuit",
      make: (world) => world.remember({ circuit: { openSince: world.secondsAgo(300).getTime() } }),
      id: "circuit-open",
      says: /open since 2025-12-31T23:55:00/,
    },
    {
      what: "a suspended process that nobody configured",
      kind: "instances",
      make: (world) => {
        world.group.group.suspended.Launch = "User suspended at 2026";
      },
      id: "process-suspended",
      says: /resume-processes --auto-scaling-group-name ci-agents --scaling-processes Launch/,
    },
  ]);
});
