import { randomUUID } from "node:crypto";
import { type Bridges, type Forward, withXml } from "./bridge.ts";
import type { ServiceEvent } from "./events.ts";
import type { Answer, AwsCall } from "./exchange.ts";

type Input = AwsCall["input"];

/** An instance of a group in moto. */
interface Member {
  readonly group: string;
  readonly zone: string;
}

/** An instance that waits for its termination hook to be completed. */
interface Wait {
  readonly group: string;
  readonly hook: string;
  readonly token: string;
}

/**
 * EC2 Auto Scaling. moto does not:
 *
 * - remember how long instances may live; we do;
 * - wait for termination hooks. A waiting instance is on standby in moto: it belongs to the group, but does not count
 *   towards the desired capacity. We send its event to EventBridge, and end it when the hook is completed;
 * - leave out the target of hooks without one;
 * - end protected instances with a group that is deleted by force, or when a group that is too large protects them no more;
 * - refuse calls that would break the group's limits or that name an instance of no group.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
 */
export function groupBridges(tell: (event: ServiceEvent) => Promise<void>): Bridges {
  const lifetimes = new Map<string, string>();
  /** By instance id. */
  const waiting = new Map<string, Wait>();
  /** Terminations run one after the other. Two at once could take a group below its minimum. */
  let last: Promise<unknown> = Promise.resolve();

  const remember = async ({ input }: AwsCall, forward: Forward) => {
    const { AutoScalingGroupName: name, MaxInstanceLifetime: seconds } = input;
    const answer = await forward();
    if (answer.status < 300 && seconds !== undefined) lifetimes.set(String(name), String(seconds));
    return answer;
  };

  async function terminate({ input }: AwsCall, forward: Forward): Promise<Answer> {
    const id = String(input.InstanceId);
    const member = await memberOf(id, forward);
    if (!member) return refusal(`Instance Id not found - No managed instance found for instance ID: ${id}`);
    if (waiting.has(id)) return done("TerminateInstanceInAutoScalingGroup");
    const { desired, min } = await limitsOf(member.group, forward);
    if (input.ShouldDecrementDesiredCapacity === "true" && desired <= min) {
      const problem = "Terminating instance without replacement will violate group's min size constraint.";
      return refusal(`Currently, desiredSize equals minSize (${min}). ${problem}`);
    }
    const hook = await hookOf(member.group, forward);
    if (hook === undefined) return forward();
    const standby = await forward({
      operation: "EnterStandby",
      input: {
        AutoScalingGroupName: member.group,
        "InstanceIds.member.1": id,
        ShouldDecrementDesiredCapacity: input.ShouldDecrementDesiredCapacity,
      },
    });
    if (standby.status >= 300) return standby;
    const wait = { group: member.group, hook, token: randomUUID() };
    waiting.set(id, wait);
    await tell({
      region: member.zone.slice(0, -1),
      source: "aws.autoscaling",
      detailType: "EC2 Instance-terminate Lifecycle Action",
      detail: {
        LifecycleActionToken: wait.token,
        AutoScalingGroupName: wait.group,
        LifecycleHookName: wait.hook,
        EC2InstanceId: id,
        LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
        Origin: "AutoScalingGroup",
        Destination: "EC2",
      },
    });
    return done("TerminateInstanceInAutoScalingGroup");
  }

  async function complete({ input }: AwsCall, forward: Forward): Promise<Answer> {
    const id = String(input.InstanceId);
    if (!isWaiting(input)) return noAction(id);
    waiting.delete(id);
    const ended = await forward({
      operation: "TerminateInstanceInAutoScalingGroup",
      input: { InstanceId: id, ShouldDecrementDesiredCapacity: "false" },
    });
    return ended.status < 300 ? done("CompleteLifecycleAction") : ended;
  }

  /**
   * The token is optional beside the instance, but a wrong one is refused.
   *
   * @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html
   */
  function isWaiting({ InstanceId, AutoScalingGroupName, LifecycleHookName, LifecycleActionToken }: Input): boolean {
    const wait = waiting.get(String(InstanceId));
    return (
      wait?.group === AutoScalingGroupName &&
      wait?.hook === LifecycleHookName &&
      (LifecycleActionToken === undefined || wait?.token === LifecycleActionToken)
    );
  }

  const shown = (xml: string) =>
    xml
      .replaceAll("<LifecycleState>Standby</LifecycleState>", "<LifecycleState>Terminating:Wait</LifecycleState>")
      .replaceAll(/<AutoScalingGroupName>([^<]*)<\/AutoScalingGroupName>/g, (element, name: string) => {
        const seconds = lifetimes.get(name);
        return seconds === undefined ? element : `${element}<MaxInstanceLifetime>${seconds}</MaxInstanceLifetime>`;
      });

  return {
    "autoscaling:CreateAutoScalingGroup": remember,
    "autoscaling:UpdateAutoScalingGroup": remember,
    "autoscaling:DeleteAutoScalingGroup": async ({ input }, forward) => {
      if (input.ForceDelete === "true") await liftProtection(String(input.AutoScalingGroupName), forward);
      return forward();
    },
    "autoscaling:DescribeAutoScalingGroups": async (_, forward) => withXml(await forward(), shown),
    "autoscaling:DescribeLifecycleHooks": async (_, forward) => withXml(await forward(), withoutInventedTargets),
    "autoscaling:DescribeAutoScalingInstances": async (_, forward) => withXml(await forward(), shown),
    "autoscaling:SetDesiredCapacity": async ({ input }, forward) => {
      const { max } = await limitsOf(String(input.AutoScalingGroupName), forward);
      const wanted = Number(input.DesiredCapacity);
      return wanted > max
        ? refusal(`New SetDesiredCapacity value ${wanted} is above max value ${max} for the AutoScalingGroup.`)
        : forward();
    },
    "autoscaling:SetInstanceProtection": async ({ input }, forward) => {
      const answer = await forward();
      if (answer.status >= 300 || input.ProtectedFromScaleIn !== "false") return answer;
      const AutoScalingGroupName = String(input.AutoScalingGroupName);
      const { desired } = await limitsOf(AutoScalingGroupName, forward);
      await forward({
        operation: "SetDesiredCapacity",
        input: { AutoScalingGroupName, DesiredCapacity: String(desired) },
      });
      return answer;
    },
    "autoscaling:TerminateInstanceInAutoScalingGroup": (call, forward) => {
      const answer = last.then(() => terminate(call, forward));
      last = answer.catch(() => {});
      return answer;
    },
    "autoscaling:RecordLifecycleActionHeartbeat": async ({ input }) =>
      isWaiting(input) ? done("RecordLifecycleActionHeartbeat") : noAction(input.InstanceId),
    "autoscaling:CompleteLifecycleAction": complete,
  };
}

async function memberOf(id: string, forward: Forward): Promise<Member | undefined> {
  const input = { "InstanceIds.member.1": id };
  const xml = textOf(await forward({ operation: "DescribeAutoScalingInstances", input }));
  const group = element(xml, "AutoScalingGroupName");
  return group === undefined ? undefined : { group, zone: element(xml, "AvailabilityZone") ?? "" };
}

async function liftProtection(group: string, forward: Forward): Promise<void> {
  const described = await forward({
    operation: "DescribeAutoScalingGroups",
    input: { "AutoScalingGroupNames.member.1": group },
  });
  const ids = [...textOf(described).matchAll(/<InstanceId>([^<]*)</g)].map(([, id], index) => [
    `InstanceIds.member.${index + 1}`,
    id,
  ]);
  if (ids.length === 0) return;
  await forward({
    operation: "SetInstanceProtection",
    input: { AutoScalingGroupName: group, ProtectedFromScaleIn: "false", ...Object.fromEntries(ids) },
  });
}

async function limitsOf(group: string, forward: Forward) {
  const input = { "AutoScalingGroupNames.member.1": group };
  const xml = textOf(await forward({ operation: "DescribeAutoScalingGroups", input }));
  const number = (name: string) => Number(element(xml, name));
  return { desired: number("DesiredCapacity"), min: number("MinSize"), max: number("MaxSize") };
}

/** Name of the group's termination hook. */
async function hookOf(group: string, forward: Forward): Promise<string | undefined> {
  const input = { AutoScalingGroupName: group };
  const xml = textOf(await forward({ operation: "DescribeLifecycleHooks", input }));
  return element(xml, "LifecycleTransition")?.endsWith("TERMINATING") ? element(xml, "LifecycleHookName") : undefined;
}

function withoutInventedTargets(xml: string): string {
  return xml.replaceAll(/<(RoleARN|NotificationTargetARN)>[^<]*my-[^<]*<\/\1>/g, "");
}

function noAction(id: unknown): Answer {
  return refusal(`No active Lifecycle Action found with instance ID ${id}`);
}

function refusal(message: string): Answer {
  return xmlAnswer(
    400,
    `<ErrorResponse><Error><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}

function done(operation: string): Answer {
  return xmlAnswer(200, `<${operation}Response><${operation}Result/></${operation}Response>`);
}

function xmlAnswer(status: number, xml: string): Answer {
  return { status, headers: { "content-type": "text/xml" }, body: Buffer.from(xml) };
}

function textOf({ body }: Answer): string {
  return body.toString("utf8");
}

/** Text of the first element with this name. */
function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
