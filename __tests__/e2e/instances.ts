import { gunzipSync } from "node:zlib";
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand, DescribeLaunchTemplateVersionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { AwsFront } from "./aws-front.ts";
import type { DeployedFunction } from "./lambda.ts";
import { until } from "./operator.ts";

/** An instance of a fleet that EC2 runs. */
export interface Instance {
  readonly id: string;
  /** Its role in the fleet, from its tag. */
  readonly role: string | undefined;
}

/** How instances of a fleet boot, by its launch template. */
export interface Boot {
  /** The boot program. */
  readonly program: string;
  /** Its settings. */
  readonly settings: Readonly<Record<string, string>>;
  readonly profileArn: string;
}

/** The agents of one vendor, at most one per instance. */
export interface VendorAgents {
  isBusy(instance: string): boolean;
  /** The agent of a new instance registers. */
  arrive(instance: Instance): Promise<void>;
  /** It takes a job, if the vendor has one for it. */
  takeJob(instance: string): Promise<void>;
  /** Its job ends. */
  finishJob(instance: string): Promise<void>;
  /** Its instance is gone. */
  vanish(instance: string): void;
  /** Called when an agent is told to take no more jobs (`drain`) or to take jobs again (`undrain`). */
  onTold: ((what: "drain" | "undrain", instance: string) => void) | undefined;
}

/** A deployed fleet on instances in which nothing runs. The test says when the agents act. */
export interface InstanceFleet {
  readonly name: string;
  /** Its scaling loop. */
  readonly loop: DeployedFunction;
  readonly vendor: VendorAgents;
  /**
   * The history of an instance, in order: commands to its agent, and calls of deployed roles to Auto Scaling:
   * `terminate`, `replace` (which is the same without decrement), `heartbeat` and `complete`.
   */
  stepsOf(instance: string): string;
  /** Instances that ended, or that a deployed role released or terminated, while their agent had a job. */
  readonly killed: readonly string[];
  /** All instances so far. */
  readonly seen: ReadonlySet<string>;
  running(): Promise<Instance[]>;
  /** Ids of the running instances. */
  ids(): Promise<string[]>;
  /** Resolves when none of these instances runs any more. */
  gone(ids: readonly string[]): Promise<void>;
  /** The group's desired capacity. */
  desired(): Promise<number>;
  /** Agents come and go with their instances, and idle agents take jobs. */
  work(): Promise<void>;
  /** Ends the jobs of these instances. Without arguments: all jobs. */
  finish(...instances: readonly string[]): Promise<void>;
  /** Auto Scaling ends an instance and replaces it, as in an instance refresh. */
  endByHand(instance: string): Promise<void>;
}

const told = new Map([
  ["RecordLifecycleActionHeartbeat", "heartbeat"],
  ["CompleteLifecycleAction", "complete"],
  ["TerminateInstanceInAutoScalingGroup", "terminate"],
]);

/** Its group has the fleet's name. */
export function watchFleet(at: {
  readonly front: AwsFront;
  readonly region: string;
  readonly name: string;
  readonly loop: DeployedFunction;
  readonly vendor: VendorAgents;
}): InstanceFleet {
  const { front, region, name, loop, vendor } = at;
  const autoScaling = new AutoScalingClient(clientOf(front, region));
  const ec2 = new EC2Client(clientOf(front, region));
  const events: { what: string; instance: string }[] = [];
  const killed: string[] = [];
  const seen = new Set<string>();
  const agents = new Set<string>();

  vendor.onTold = (what, instance) => events.push({ what, instance });
  const earlier = front.onCall;
  front.onCall = (call) => {
    earlier?.(call);
    const instance = String(call.input.InstanceId);
    const what = told.get(call.operation);
    if (what === undefined || !call.caller.includes(name)) return;
    const replaces = call.input.ShouldDecrementDesiredCapacity === "false";
    events.push({ what: replaces ? "replace" : what, instance });
    if (what !== "heartbeat" && vendor.isBusy(instance)) killed.push(instance);
  };

  async function running(): Promise<Instance[]> {
    const Filters = [
      { Name: "tag:aws:autoscaling:groupName", Values: [name] },
      { Name: "instance-state-name", Values: ["pending", "running"] },
    ];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId: id = "", Tags }) => ({
      id,
      role: Tags?.find(({ Key }) => Key === "AgentFleetsRole")?.Value,
    }));
    for (const { id } of instances) seen.add(id);
    return instances;
  }

  return {
    name,
    loop,
    vendor,
    killed,
    seen,
    running,
    ids: async () => (await running()).map(({ id }) => id),
    stepsOf: (id) => events.flatMap(({ what, instance }) => (instance === id ? [what] : [])).join(" "),
    async gone(ids) {
      await until(`the end of ${ids}`, loop, async () => !(await running()).some(({ id }) => ids.includes(id)));
    },
    async desired() {
      const query = { AutoScalingGroupNames: [name] };
      const { AutoScalingGroups = [] } = await autoScaling.send(new DescribeAutoScalingGroupsCommand(query));
      return AutoScalingGroups[0]?.DesiredCapacity ?? Number.NaN;
    },
    async work() {
      const now = await running();
      for (const instance of now) {
        if (!agents.has(instance.id)) await vendor.arrive(instance);
        agents.add(instance.id);
      }
      for (const id of agents) {
        if (now.some((instance) => instance.id === id)) {
          await vendor.takeJob(id);
          continue;
        }
        if (vendor.isBusy(id)) killed.push(id);
        agents.delete(id);
        vendor.vanish(id);
      }
    },
    async finish(...instances) {
      const alive = new Set((await running()).map(({ id }) => id));
      const working = [...agents].filter((id) => vendor.isBusy(id));
      for (const id of instances.length > 0 ? instances : working) {
        if (alive.has(id)) await vendor.finishJob(id);
        else killed.push(id);
      }
    },
    async endByHand(InstanceId) {
      const command = { InstanceId, ShouldDecrementDesiredCapacity: false };
      await autoScaling.send(new TerminateInstanceInAutoScalingGroupCommand(command));
    },
  };
}

/** How new instances of the fleet's launch template boot. */
export async function readBoot(front: AwsFront, region: string, fleet: string): Promise<Boot> {
  const ec2 = new EC2Client(clientOf(front, region));
  const query = { LaunchTemplateName: fleet, Versions: ["$Latest"] };
  const { LaunchTemplateVersions } = await ec2.send(new DescribeLaunchTemplateVersionsCommand(query));
  const { UserData = "", IamInstanceProfile } = LaunchTemplateVersions?.[0]?.LaunchTemplateData ?? {};
  const program = gunzipSync(Buffer.from(UserData, "base64")).toString("utf8");
  const lines = program.matchAll(/^([A-Z_]+)='((?:[^']|'\\'')*)'$/gm);
  const settings = Object.fromEntries(Array.from(lines, ([, name, value = ""]) => [name, value]));
  return { program, settings, profileArn: IamInstanceProfile?.Arn ?? "" };
}

function clientOf(front: AwsFront, region: string) {
  return { region, endpoint: front.url, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
}
