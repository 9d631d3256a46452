import { describe, expect, it } from "vitest";
import { networkOf } from "../../../stacks/config/ecs-fleet.ts";
import { configWith, errorsWith } from "./files.ts";

it("gives everything a default but the kind, the region and the vendor's names", () => {
  expect(configWith("")).toEqual({
    kind: "ecs-fleet",
    region: "us-west-2",
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      caCertificates: [],
      demand: "api",
      runTtlSeconds: 14400,
      webhook: { enabled: true },
    },
    agents: {
      policy: "cheap",
      min: 0,
      max: 10,
      buffer: 0,
      schedule: [],
      singleUse: true,
      idleTimeoutSeconds: 300,
      maxLifetimeSeconds: 86400,
      registrationGraceSeconds: 300,
    },
    scaling: {
      enabled: true,
      tickSeconds: 10,
      scaleInCooldownSeconds: 60,
      scaleOutCooldownSeconds: 0,
      scaleInAfterObservations: 1,
      removalOrder: "oldest-first",
      maxRemovedPerTick: 10,
      maxFailedLaunchesPerHour: 20,
      maxFailedLaunchesPercent: 50,
      circuitTrialSeconds: 300,
    },
    compute: {
      cpu: 1024,
      memoryMiB: 2048,
      architecture: "x86_64",
      spot: false,
      environment: {},
      secrets: {},
      volumes: [],
      createCacheRepository: false,
      sidecars: [],
      readonlyRootFilesystem: false,
      enableExecuteCommand: false,
      containerInsights: false,
    },
    secrets: { recoveryWindowDays: 7 },
    retirement: { drainTimeoutSeconds: 21600 },
    loop: { inNetwork: false },
    alarms: { chat: [], emails: [], subscriptions: [], queueWaitSeconds: 300 },
    consumerRoles: [],
    logs: { retentionDays: 30 },
    iam: {},
    backend: { type: "local" },
    providers: {},
    tags: {},
  });
});

it("gives a fleet a network of its own, unless it runs on a cluster's hosts", () => {
  expect(networkOf(configWith(""))).toEqual({
    create: { cidr: "10.40.0.0/16", availabilityZones: 2, egress: "single-nat", ipv6: false },
  });
  expect(networkOf(configWith("compute: { capacityProvider: { stack: apps, elsewhere: true } }"))).toMatchObject({
    stack: "apps",
  });
  expect(networkOf(configWith("network: { stack: net, elsewhere: true }"))).toMatchObject({ stack: "net" });
});

describe("agents", () => {
  it.each([
    ["agents: { min: 3, max: 2 }", "agents.min: must not be more than agents.max, which is 2, found 3"],
    ["agents: { min: 11 }", "agents.min: must not be more than agents.max, which is 10, found 11"],
    ["agents: { max: 1, buffer: 2 }", "agents.buffer: must not be more than agents.max, which is 1, found 2"],
  ])("are refused as %s", (text, error) => {
    expect(errorsWith(text)).toEqual([error]);
  });

  it("may have a floor as high as the ceiling", () => {
    expect(configWith("agents: { min: 10, max: 10, buffer: 10 }").agents).toMatchObject({ min: 10, max: 10 });
  });
});
