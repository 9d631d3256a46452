import { describe, expect, it } from "vitest";
import { createEcsCapacity } from "../../../../handlers/lib/aws/ecs-capacity.ts";
import {
  classifyLaunchError,
  countingLastHour,
  type FailedLaunch,
  isRefusal,
  meaningOf,
} from "../../../../handlers/lib/aws/launch-failures.ts";
import type { Capacity, LaunchFailureKind, LaunchReport } from "../../../../handlers/lib/core/ports.ts";
import { createAsgFake } from "../../../../scripts/simulate/world/asg.ts";
import { createEcsFake, ecsClientOver } from "../../../../scripts/simulate/world/ecs.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { connectAsg } from "./asg-harness.ts";
import { ecsConfig, requests } from "./ecs-harness.ts";

type Kind = LaunchFailureKind;

/** Sources: the pages named at the rules; what only people's reports show is marked "seen". */
const table: Readonly<Record<string, readonly (readonly [Kind, string])[]>> = {
  "failure reasons of the ECS API": [
    ["capacity", "Capacity is unavailable at this time. Please try again later or in a different availability zone"],
    ["capacity", "RESOURCE:CPU"],
    ["capacity", "RESOURCE:MEMORY"],
    ["capacity", "RESOURCE:ENI"],
    ["capacity", "RESOURCE:GPU"],
    ["capacity", "RESOURCE:PORTS"],
    ["capacity", "AGENT"],
    ["capacity", "TaskFailedToStart: AGENT"],
    ["capacity", "EMPTY CAPACITY PROVIDER"],
    ["capacity", "TaskFailedToStart: NO ACTIVE INSTANCES"],
    ["capacity", "No Container Instances were found in your capacity provider."],
    ["capacity", "No Container Instances were found in your cluster."],
    ["configuration", "MISSING"],
    ["configuration", "INACTIVE"],
    ["configuration", "ATTRIBUTE"],
    ["configuration", "LOCATION"],
    ["configuration", "MISSING: the family ci"],
    ["configuration", "TaskFailedToStart: MemberOf placement constraint unsatisfied"],
  ],
  "limits of ECS": [
    ["quota", "You've reached the limit on the number of vCPUs you can run concurrently"],
    ["quota", "You've reached the limit on the number of tasks you can run concurrently"],
    ["quota", "You’ve reached the limit on the number of vCPUs you can run concurrently"],
    ["quota", "Tasks provisioning capacity limit exceeded."],
    ["quota", "The requested CPU configuration is above your limit."],
    ["quota", "The requested MEMORY configuration is above your limit"],
  ],
  "trouble of AWS and of the way to it": [
    ["throttling", "Internal error."],
    ["throttling", "InternalError: the report came too late"],
    ["throttling", "Service is unable to complete the request at this time"],
    ["throttling", "Service Unavailable. Please try again later."],
    ["throttling", "Rate exceeded"],
    ["throttling", "RequestLimitExceeded: Request limit exceeded."],
    ["throttling", "Server.InternalError: Internal error on launch"],
    ["throttling", "The security token included in the request is expired"],
    ["throttling", "Authentication Failure. Launching EC2 instance failed."],
    ["throttling", "PendingVerification: Your request for accessing resources in this region is being validated"],
  ],
  "network interfaces": [
    ["capacity", "InsufficientFreeAddressesInSubnet - There are not enough free addresses in subnet 'subnet-0'."],
    [
      "capacity",
      "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 'subnet-0'",
    ],
    ["capacity", "Unable to attach network interface to unused device index"],
    ["capacity", "Timeout waiting for network interface provisioning to complete."],
    ["capacity", "Rate limit exceeded while preparing network interface to be attached to instance"],
    ["capacity", "ResourceInitializationError: failed to configure ENI: failed to setup regular eni"],
    ["quota", "NetworkInterfaceLimitExceeded: You have reached your limit of network interfaces"],
    ["quota", "The maximum number of network interfaces has been reached"],
    [
      "configuration",
      "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0': UnauthorizedOperation",
    ],
    ["configuration", "Unexpected EC2 error while attempting to tag the network interface: TagPolicyViolation"],
  ],
  "pulls and secrets": [
    ["quota", "CannotPullContainerError: pull image manifest: toomanyrequests: You have reached your pull rate limit"],
    ["quota", "CannotPullContainerError: toomanyrequests: Rate exceeded"],
    ["throttling", "CannotPullContainerError: unexpected status code 503 Service Unavailable"],
    ["throttling", "CannotPullContainerError: net/http: TLS handshake timeout"],
    ["configuration", "CannotPullContainerError: failed to resolve ref ci:current: ci:current: not found"],
    ["configuration", "CannotPullContainerError: Head https://registry: dial tcp 10.0.3.17:443: i/o timeout"],
    ["configuration", "CannotPullContainerError: AccessDeniedException: no basic auth credentials"],
    ["configuration", "CannotStartContainerError: exec: no such file"],
    ["configuration", "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException"],
    [
      "configuration",
      "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    ],
  ],
  "capacity of EC2": [
    [
      "capacity",
      "We currently do not have sufficient t3.large capacity in the Availability Zone you requested (us-west-2a).",
    ],
    ["capacity", "InsufficientInstanceCapacity - There is no capacity for this."],
    ["capacity", "Insufficient capacity. Launching EC2 instance failed."],
    ["capacity", "InsufficientVolumeCapacity"],
    ["capacity", "InsufficientCapacityOnHost"],
    ["capacity", "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity."],
    ["capacity", "There is no Spot capacity available that matches your request. Launching EC2 instance failed."],
    ["capacity", "Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price is too low."],
    [
      "capacity",
      "Your Spot request price of 0.015 is lower than the minimum required Spot request fulfillment price of 0.0735.",
    ],
    [
      "capacity",
      "The requested reservation does not have sufficient compatible and available capacity for this request.",
    ],
    ["capacity", "Your Capacity Block reservation cr-0 is not active yet. Launching EC2 instance failed."],
    ["capacity", "Instance became unhealthy. Termination Reason: Server.SpotInstanceTermination"],
  ],
  "limits of EC2": [
    ["quota", "VcpuLimitExceeded"],
    ["quota", "You have requested more vCPU capacity than your current vCPU limit of 32 allows."],
    ["quota", "You have requested more instances (21) than your current instance limit of 20 allows."],
    ["quota", "InstanceLimitExceeded"],
    ["quota", "20 instance(s) are already running. Launching EC2 instance failed."],
    ["quota", "MaxSpotInstanceCountExceeded - Max spot instance count exceeded"],
    ["quota", "Max spot instance count exceeded. Launching EC2 instance failed."],
    ["quota", "You've reached your quota for maximum Fleet Requests for this account. Launching EC2 instance failed."],
    ["quota", "Instance became unhealthy. Termination Reason: Client.VolumeLimitExceeded: Volume limit exceeded"],
    ["quota", "New SetDesiredCapacity value 21 is above max value 20 for the AutoScalingGroup."],
  ],
  "settings of EC2": [
    ["configuration", "The image id '[ami-0123]' does not exist. Launching EC2 instance failed."],
    ["configuration", "InvalidAMIID.NotFound"],
    ["configuration", "InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"],
    [
      "configuration",
      "Termination Reason: Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
    ],
    ["configuration", "Termination Reason: Client.InternalError: Client error on launch"],
    ["configuration", "Client.InternalError"],
    ["configuration", "You are not authorized to perform this operation. Encoded authorization failure message: quota"],
    ["configuration", "UnauthorizedOperation"],
    ["configuration", "The security group 'sg-0' does not exist in VPC 'vpc-0'. Launching EC2 instance failed."],
    ["configuration", "The key pair 'ci' does not exist. Launching EC2 instance failed."],
    ["configuration", "The requested configuration is currently not supported."],
    [
      "configuration",
      "Your requested instance type (t3.large) is not supported in your requested Availability Zone (us-west-2d).",
    ],
    ["configuration", "Invalid device name upload. Launching EC2 instance failed."],
    ["configuration", "Value (ephemeral9) for parameter virtualName is invalid."],
    ["configuration", "EBS block device mappings not supported for instance-store AMIs."],
    ["configuration", "Placement groups may not be used with instances of type 't3.large'."],
    [
      "configuration",
      "OptInRequired: In order to use this AWS Marketplace product you need to accept terms and subscribe.",
    ],
    ["configuration", "Blocked: Your account is currently blocked."],
  ],
  "what nobody has heard of, which is tried elsewhere and told": [
    ["capacity", "something new"],
    ["capacity", "DEPLOYMENT_BLOCKED"],
    ["capacity", ""],
  ],
};

describe.each(Object.entries(table))("%s", (_, rows) => {
  it.each(rows)("%s: %s", (kind, text) => {
    expect(meaningOf(text).kind).toBe(kind);
  });
});

const exception = (name: string, message: string, $fault?: string) =>
  Object.assign(new Error(message), { name, $fault });

describe("an exception", () => {
  it.each([
    ["ThrottlingException", "Rate exceeded", "client", "throttling"],
    ["ClientException", "Tasks provisioning capacity limit exceeded.", "client", "quota"],
    ["ThrottlingException", "You've reached the limit on the number of vCPUs", "client", "quota"],
    ["LimitExceededException", "too many tags", "client", "quota"],
    ["ClientException", "Capacity is unavailable at this time", "client", "capacity"],
    [
      "AccessDeniedException",
      "not authorized to perform: ecs:RunTask on capacity-provider/quota",
      "client",
      "configuration",
    ],
    ["ClusterNotFoundException", "Cluster not found.", "client", "configuration"],
    ["InvalidParameterException", "TaskDefinition is inactive", "client", "configuration"],
    ["InvalidParameterException", "The specified capacity provider 'ci' was not found.", "client", "configuration"],
    ["InvalidParameterException", "No Container Instances were found in your cluster.", "client", "capacity"],
    ["PlatformUnknownException", "no such platform", "client", "configuration"],
    ["BlockedException", "Your account was blocked", "client", "configuration"],
    ["ConflictException", "The token was used with other parameters", "client", "throttling"],
    ["ExpiredTokenException", "The security token included in the request is expired", "client", "throttling"],
    ["RequestTimeoutException", "no bytes came", "client", "throttling"],
    ["ScalingActivityInProgressFault", "busy", "client", "throttling"],
    ["ResourceContentionFault", "a pending update", "client", "throttling"],
    ["ClientException", "Service is unable to complete the request at this time", "client", "throttling"],
    ["ClientException", "something new", "client", "capacity"],
    ["ServerException", "Capacity is unavailable at this time", "server", "throttling"],
    ["ServerException", "Service Unavailable", "server", "throttling"],
    ["TimeoutError", "socket hang up", undefined, "throttling"],
  ])("%s %j (%s) is one of %s", (name, message, fault, kind) => {
    expect(classifyLaunchError(exception(name, message, fault))).toBe(kind);
  });

  it("leaves open whether anything was launched, unless AWS refused", () => {
    expect(isRefusal(exception("AccessDeniedException", "no", "client"))).toBe(true);
    expect(isRefusal(exception("ServerException", "oops", "server"))).toBe(false);
    expect(isRefusal(exception("TimeoutError", "slow"))).toBe(false);
    expect(isRefusal("whatever")).toBe(false);
  });
});

/** What the loop is told where AWS says the text in each of its four ways. */
async function kindsTold(text: string): Promise<Record<string, Kind | undefined>> {
  const clock = createFakeClock();
  const ecs = createEcsFake(clock);
  const one = { ...ecsConfig, capacityProviders: ["FARGATE"], subnets: ["subnet-a"] };
  const tasks = createEcsCapacity(one, {
    ecs: ecsClientOver(async (call) => ecs.perform(call)),
    clock,
    notebook: createNotebookFake(),
  });
  ecs.refuse = () => ({ reason: text });
  const entry = await tasks.launch(requests(1));
  ecs.refuse = () => ({ exception: "ClientException", message: text });
  const thrown = await tasks.launch(requests(1));
  const stopped = { lastStatus: "STOPPED", desiredStatus: "STOPPED", stopCode: "TaskFailedToStart" } as const;
  ecs.add({ ...stopped, stoppedReason: text, stoppedAt: clock.now() });
  const aws = createAsgFake(clock, { min: 0, max: 9 });
  aws.log({ StatusCode: "Failed", StatusMessage: text });
  const kindOf = (failures: LaunchReport["failures"] = []) => failures[0]?.kind;
  const toldBy = async (of: Capacity) => {
    const { newLaunchFailures, newShortages } = await of.read();
    return kindOf(newLaunchFailures) ?? kindOf(newShortages);
  };
  return {
    entry: kindOf(entry.failures),
    exception: kindOf(thrown.failures),
    task: await toldBy(tasks),
    activity: await toldBy(connectAsg(aws, clock)),
  };
}

it.each(
  Object.values(table)
    .flat()
    .filter(([, text]) => text !== ""),
)("means the same in an exception, a failure entry, a stopped task and a scaling activity (%s: %s)", async (kind, text) => {
  expect(await kindsTold(text)).toEqual({ entry: kind, exception: kind, task: kind, activity: kind });
});

describe("the launches that failed within the hour", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  const failed = (minutesAgo: number, blocks: FailedLaunch["blocks"] = "hour"): FailedLaunch => ({
    at: new Date(now.getTime() - minutesAgo * 60_000),
    kind: "configuration",
    message: "no",
    blocks,
  });

  it.each<[what: string, count: number, failures: readonly FailedLaunch[]]>([
    ["count for an hour", 2, [failed(0), failed(59), failed(60)]],
    ["count for ten minutes where their cause passes", 1, [failed(30), failed(10, "minutes")]],
    [
      "all count again once one more fails for a cause that passes",
      3,
      [failed(1, "minutes"), failed(11, "minutes"), failed(30)],
    ],
    [
      "are forgotten after the hour, whatever their cause",
      1,
      [failed(1, "minutes"), failed(60, "minutes"), failed(60)],
    ],
    ["count never where room was lacking", 0, [failed(0, "never")]],
  ])("%s", (_, count, failures) => {
    expect(countingLastHour(failures, now)).toHaveLength(count);
  });
});
