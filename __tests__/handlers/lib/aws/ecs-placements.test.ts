import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { failedIn } from "../../../fixtures/launches.ts";
import { type EcsHarness, startEcsHarness } from "./ecs-harness.ts";

let clock: EcsHarness["clock"];
let ecs: EcsHarness["ecs"];
let http: EcsHarness["http"];
let connect: EcsHarness["connect"];
let callsOf: EcsHarness["callsOf"];
let capacity: Capacity;

beforeEach(async () => {
  ({ clock, ecs, http, connect, callsOf } = await startEcsHarness());
  capacity = connect();
});

afterEach(() => http.close());

/** Where the next launch is asked for, until one is accepted. */
async function asked(of = capacity): Promise<string[]> {
  const before = callsOf("RunTask").length;
  await of.read();
  await of.launch([{ agentName: `ci_${before}`, role: "burst" }]);
  return callsOf("RunTask")
    .slice(before)
    .map((input) => {
      const { capacityProviderStrategy, networkConfiguration } = input as {
        capacityProviderStrategy: { capacityProvider: string }[];
        networkConfiguration: { awsvpcConfiguration: { subnets: string[] } };
      };
      const { subnets } = networkConfiguration.awsvpcConfiguration;
      return `${capacityProviderStrategy[0]?.capacityProvider} ${subnets.join("+")}`;
    });
}

/** ECS accepted it, and stopped it soon after. */
function failsLate(stoppedReason: string, subnet: string | undefined, capacityProviderName = "FARGATE_SPOT"): void {
  const attachments = [
    { type: "ElasticNetworkInterface", details: [{ name: "subnetId", ...(subnet && { value: subnet }) }] },
  ];
  const stopped = { lastStatus: "STOPPED", desiredStatus: "STOPPED", stopCode: "TaskFailedToStart" } as const;
  ecs.add({ ...stopped, stoppedReason, stoppedAt: clock.now(), capacityProviderName, attachments });
}

const noCapacity = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
const noAddresses =
  "Unexpected EC2 error while attempting to Create Network Interface in subnet: InsufficientFreeAddressesInSubnet";
const pullLimit = "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit";

describe("a place where a task failed after RunTask had accepted it", () => {
  it("is left for another subnet for five minutes, and comes back then", async () => {
    failsLate(noCapacity, "subnet-a");
    expect(await asked()).toEqual(["FARGATE_SPOT subnet-b"]);
    clock.advance(299_000);
    expect(await asked()).toEqual(["FARGATE_SPOT subnet-b"]);
    clock.advance(1_000);
    expect(await asked()).toEqual(["FARGATE_SPOT subnet-a+subnet-b"]);
  });

  it("is left for on-demand where Spot is short in every subnet", async () => {
    failsLate(noCapacity, "subnet-a");
    failsLate(noCapacity, "subnet-b");
    expect(await asked()).toEqual(["FARGATE subnet-a+subnet-b"]);
  });

  it("is left for on-demand where nobody says in which subnet Spot is short", async () => {
    failsLate(noCapacity, undefined);
    expect(await asked()).toEqual(["FARGATE subnet-a+subnet-b"]);
  });

  it.each([
    noAddresses,
    pullLimit,
    "Timeout waiting for network interface provisioning to complete.",
  ])("is left after a cold start, too: %s", async (reason) => {
    failsLate(reason, "subnet-a");
    expect(await asked(connect())).toEqual(["FARGATE_SPOT subnet-b"]);
  });

  it("is left by on-demand tasks, too, where its subnet is sick", async () => {
    failsLate(noAddresses, "subnet-a");
    ecs.refuse = ({ capacityProviderStrategy: [first] = [] }) =>
      first?.capacityProvider === "FARGATE_SPOT" ? { reason: noCapacity } : undefined;
    expect(await asked()).toEqual(["FARGATE_SPOT subnet-b", "FARGATE subnet-b"]);
  });

  it("is asked last where everything else refuses", async () => {
    failsLate(noCapacity, "subnet-a");
    ecs.refuse = ({ networkConfiguration, capacityProviderStrategy: [first] = [] }) => {
      const subnets = networkConfiguration?.awsvpcConfiguration?.subnets?.join("+");
      return first?.capacityProvider === "FARGATE_SPOT" && subnets === "subnet-a" ? undefined : { reason: noCapacity };
    };
    expect(await asked()).toEqual([
      "FARGATE_SPOT subnet-b",
      "FARGATE subnet-a+subnet-b",
      "FARGATE subnet-a",
      "FARGATE subnet-b",
      "FARGATE_SPOT subnet-a",
    ]);
  });

  it("is asked as before where it is the only one", async () => {
    const only = connect({ capacityProviders: ["hosts-apps"] });
    failsLate("TaskFailedToStart: RESOURCE:CPU", undefined, "hosts-apps");
    expect(await asked(only)).toEqual(["hosts-apps subnet-a+subnet-b"]);
  });

  it("is not left for what fails anywhere", async () => {
    failsLate("CannotPullContainerError: ci:current: not found", "subnet-a");
    expect(await asked()).toEqual(["FARGATE_SPOT subnet-a+subnet-b"]);
  });

  it("opens no circuit while one of several subnets is sick, whatever its illness", async () => {
    for (let time = 0; time < 100; time += 1) {
      failsLate([noAddresses, pullLimit, noCapacity, "i/o timeout"][time % 4] ?? "", "subnet-a");
    }
    const reading = await capacity.read();
    const { newLaunchFailures = [], newShortages = [] } = reading;
    expect(failedIn(reading)).toBe(0);
    expect([...newLaunchFailures, ...newShortages].map(({ count }) => count)).toEqual([25, 25, 25, 25]);
  });

  it("holds up launches for ten minutes where a registry's limit holds in every subnet", async () => {
    for (const subnet of ["subnet-a", "subnet-b"]) failsLate(pullLimit, subnet);
    expect(failedIn(await capacity.read())).toBe(2);
    clock.advance(600_000);
    expect(failedIn(await capacity.read())).toBe(0);
  });
});

it("on hosts asks for all subnets at once only: the host chooses, and alone a subnet may have none", async () => {
  ecs.refuse = () => ({ reason: "RESOURCE:MEMORY" });
  const hosts = connect({ capacityProviders: ["hosts-apps"] });
  expect(await asked(hosts)).toEqual(["hosts-apps subnet-a+subnet-b"]);
});
