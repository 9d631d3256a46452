import { type Activity, AutoScalingClient, AutoScalingServiceException } from "@aws-sdk/client-auto-scaling";
import { EC2Client, EC2ServiceException, type Tag } from "@aws-sdk/client-ec2";
import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** An instance as EC2 and the group see it. */
export interface FakeInstance {
  readonly id: string;
  /** `undefined`: not in the group, or no longer. */
  lifecycle: string | undefined;
  state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  stateReason: string | undefined;
  launchTime: Date;
  templateVersion: string;
  /** Whether the group may choose it when it gets smaller. */
  protected: boolean;
  readonly tags: Map<string, string>;
}

/** One call as AWS got it. */
export interface AsgCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * One Auto Scaling group, by default named `ci`, and its instances at EC2, in memory. It launches and ends nothing by itself: that is
 * for the test, or for a world on virtual time, to do.
 */
export interface AsgFake {
  readonly name: string;
  readonly group: {
    min: number;
    max: number;
    desired: number;
    template: { id: string; version: string };
    /** Process → reason. */
    suspended: Record<string, string>;
    /** Whether instances are protected from scale-in from their launch on. */
    protectsNew: boolean;
  };
  /** By id; those that ended stay as long as the test leaves them. */
  readonly instances: ReadonlyMap<string, FakeInstance>;
  /** In the order of their start. */
  readonly activities: readonly Activity[];
  readonly calls: readonly AsgCall[];
  /** What each SetDesiredCapacity changed. */
  readonly resizes: readonly { readonly from: number; readonly to: number }[];
  /** What a call throws instead of doing anything. */
  refuse: ((call: AsgCall) => Error | undefined) | undefined;
  /** Called after the desired capacity or an instance's part in it has changed. */
  onChange: ((change: { readonly terminated?: FakeInstance }) => void) | undefined;
  /** By default one in service that runs. */
  add(instance?: Partial<Omit<FakeInstance, "tags">> & { readonly tags?: Record<string, string> }): FakeInstance;
  /** An activity that starts now, by default a launch that succeeded. */
  log(activity: Partial<Activity>): Activity;
  /** Ends an instance as EC2 shows it, and takes it out of the group. */
  end(instance: FakeInstance): void;
  forget(id: string): void;
  perform(call: AsgCall): object;
}

/** What a client of AWS would throw. */
export function awsError(name: string, message: string, status = 400): Error {
  const $fault = status < 500 ? ("client" as const) : ("server" as const);
  const options = { name, message, $fault, $metadata: { httpStatusCode: status } };
  return name.includes(".") ? new EC2ServiceException(options) : new AutoScalingServiceException(options);
}

/** Clients without a way over the wire: `perform` is called with every call. */
export function asgClientsOver(perform: (call: AsgCall) => Promise<object>) {
  const settings = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const send = (command: { readonly input: object }) =>
    perform({ operation: command.constructor.name.replace(/Command$/, ""), input: { ...command.input } });
  return {
    autoScaling: Object.assign(new AutoScalingClient(settings), { send }),
    ec2: Object.assign(new EC2Client(settings), { send }),
  };
}

const sixHours = 6 * 3_600_000;

/** See {@link AsgFake}. */
export function createAsgFake(
  clock: Clock,
  limits: { readonly min: number; readonly max: number },
  {
    name = "ci",
    idsFrom = 0,
    remembers = true,
  }: {
    readonly name?: string;
    readonly idsFrom?: number;
    /** Whether it keeps all calls, and all activities for ever. Else only those of the last six hours. */
    readonly remembers?: boolean;
  } = {},
): AsgFake {
  const instances = new Map<string, FakeInstance>();
  const activities: Activity[] = [];
  const calls: AsgCall[] = [];
  const resizes: { from: number; to: number }[] = [];
  let made = idsFrom;
  let logged = 0;

  const inGroup = (id: unknown) => {
    const instance = instances.get(String(id));
    return instance?.lifecycle === undefined ? undefined : instance;
  };

  const operations: Record<string, (input: never) => object> = {
    DescribeAutoScalingGroups({ AutoScalingGroupNames: names }: { AutoScalingGroupNames: string[] }) {
      if (!names.includes(name)) return { AutoScalingGroups: [] };
      const { min, max, desired, template, suspended } = fake.group;
      const held = [...instances.values()].flatMap(({ id, lifecycle, templateVersion, ...instance }) => {
        const LaunchTemplate = { LaunchTemplateId: template.id, Version: templateVersion };
        return lifecycle
          ? [
              {
                InstanceId: id,
                LifecycleState: lifecycle,
                LaunchTemplate,
                HealthStatus: "Healthy",
                ProtectedFromScaleIn: instance.protected,
              },
            ]
          : [];
      });
      const specification = { LaunchTemplateId: template.id, Version: template.version };
      const group = { AutoScalingGroupName: name, MinSize: min, MaxSize: max, DesiredCapacity: desired };
      const SuspendedProcesses = Object.entries(suspended).map(([ProcessName, SuspensionReason]) => ({
        ProcessName,
        SuspensionReason,
      }));
      return {
        AutoScalingGroups: [{ ...group, LaunchTemplate: specification, Instances: held, SuspendedProcesses }],
      };
    },

    DescribeInstances(input: {
      Filters?: { Name: string; Values: string[] }[];
      InstanceIds?: string[];
      MaxResults: number;
      NextToken?: string;
    }) {
      if (input.InstanceIds) {
        const asked = input.InstanceIds.map((id) => {
          const instance = instances.get(id);
          if (!instance) throw awsError("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
          return describe(instance);
        });
        return { Reservations: [{ Instances: asked }] };
      }
      const [filter] = input.Filters ?? [];
      const found = [...instances.values()].filter(({ tags }) =>
        filter?.Values.includes(tags.get(filter.Name.replace("tag:", "")) ?? ""),
      );
      const { items, ...next } = page(found, input.MaxResults, input.NextToken);
      return { Reservations: items.map((instance) => ({ Instances: [describe(instance)] })), ...next };
    },

    DescribeScalingActivities(input: { AutoScalingGroupName: string; MaxRecords: number; NextToken?: string }) {
      if (input.AutoScalingGroupName !== name) return { Activities: [] };
      const open = (activity: Activity) => Number(activity.EndTime === undefined);
      const started = (activity: Activity) => activity.StartTime?.getTime() ?? 0;
      const sorted = activities.toReversed().sort((a, b) => open(b) - open(a) || started(b) - started(a));
      const { items, ...next } = page(sorted, input.MaxRecords, input.NextToken);
      return { Activities: items.map((activity) => ({ ...activity })), ...next };
    },

    DescribeAutoScalingInstances({ InstanceIds: ids }: { InstanceIds: string[] }) {
      const held = ids.filter((id) => inGroup(id));
      return { AutoScalingInstances: held.map((InstanceId) => ({ InstanceId, AutoScalingGroupName: name })) };
    },

    SetDesiredCapacity({ DesiredCapacity: to }: { DesiredCapacity: number }) {
      const { desired: from, min, max } = fake.group;
      if (to > max) throw awsError("ValidationError", `New SetDesiredCapacity value ${to} is above max value ${max}`);
      if (to < min) throw awsError("ValidationError", `New SetDesiredCapacity value ${to} is below min value ${min}`);
      if (remembers) resizes.push({ from, to });
      fake.group.desired = to;
      fake.onChange?.({});
      return {};
    },

    TerminateInstanceInAutoScalingGroup(input: { InstanceId: string; ShouldDecrementDesiredCapacity: boolean }) {
      const { InstanceId: id, ShouldDecrementDesiredCapacity: decrement } = input;
      const { desired, min } = fake.group;
      const instance = inGroup(id);
      if (!instance) throw awsError("ValidationError", `Instance Id not found - No managed instance found for ${id}`);
      if (instance.lifecycle?.startsWith("Terminating")) return {};
      if (decrement && desired <= min) {
        const problem = "Terminating instance without replacement will violate group's min size constraint.";
        throw awsError("ValidationError", `Currently, desiredSize equals minSize (${min}). ${problem}`);
      }
      if (decrement) fake.group.desired -= 1;
      instance.lifecycle = "Terminating:Wait";
      fake.log({ Description: `Terminating EC2 instance: ${id}`, Cause: "At … in response to a user request." });
      fake.onChange?.({ terminated: instance });
      return {};
    },

    CreateTags({ Resources: ids, Tags: tags }: { Resources: string[]; Tags: Tag[] }) {
      const tagged = ids.map((id) => {
        const instance = instances.get(id);
        if (!instance) throw awsError("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
        return instance;
      });
      for (const instance of tagged) for (const { Key, Value } of tags) instance.tags.set(String(Key), String(Value));
      return {};
    },
  };

  const fake: AsgFake = {
    name,
    group: { ...limits, desired: 0, template: { id: "lt-1", version: "3" }, suspended: {}, protectsNew: true },
    instances,
    activities,
    calls,
    resizes,
    refuse: undefined,
    onChange: undefined,
    add({ tags = {}, ...instance } = {}) {
      made += 1;
      const added: FakeInstance = {
        id: `i-${String(made).padStart(8, "0")}`,
        lifecycle: "InService",
        state: "running",
        stateReason: undefined,
        launchTime: clock.now(),
        templateVersion: fake.group.template.version,
        protected: fake.group.protectsNew,
        ...instance,
        tags: new Map(Object.entries({ "aws:autoscaling:groupName": name, ...tags })),
      };
      instances.set(added.id, added);
      return added;
    },
    log(activity) {
      logged += 1;
      if (!remembers) forgetOld();
      const entry: Activity = {
        ActivityId: `activity-${logged}`,
        AutoScalingGroupName: name,
        Description: "Launching a new EC2 instance",
        Cause: "At … in response to a difference between desired and actual capacity.",
        StartTime: clock.now(),
        EndTime: clock.now(),
        StatusCode: "Successful",
        ...activity,
      };
      if (activity.StatusCode === "InProgress") delete entry.EndTime;
      activities.push(entry);
      return entry;
    },
    end(instance) {
      instance.lifecycle = undefined;
      instance.state = "terminated";
    },
    forget: (id) => instances.delete(id),
    perform(call) {
      if (remembers) calls.push(call);
      const refusal = fake.refuse?.(call);
      if (refusal) throw refusal;
      const operation = operations[call.operation];
      if (!operation) throw awsError("InvalidAction", call.operation);
      return operation(call.input as never);
    },
  };
  return fake;

  function forgetOld(): void {
    const since = clock.now().getTime() - sixHours;
    while ((activities[0]?.StartTime?.getTime() ?? since) < since) activities.shift();
  }
}

/** Each call goes to the group that it names, or that has the instance: together as AWS shows them. */
export function performOf(groups: readonly AsgFake[], call: AsgCall): object {
  const { AutoScalingGroupName, AutoScalingGroupNames, Filters, InstanceId, InstanceIds, Resources } = call.input as {
    readonly AutoScalingGroupName?: string;
    readonly AutoScalingGroupNames?: readonly string[];
    readonly Filters?: readonly { readonly Values: readonly string[] }[];
    readonly InstanceId?: string;
    readonly InstanceIds?: readonly string[];
    readonly Resources?: readonly string[];
  };
  const name = AutoScalingGroupName ?? AutoScalingGroupNames?.[0] ?? Filters?.[0]?.Values[0];
  const id = InstanceId ?? InstanceIds?.[0] ?? Resources?.[0] ?? "";
  const [first] = groups;
  const named = groups.find((group) => (name === undefined ? group.instances.has(id) : group.name === name));
  const target = named ?? first;
  if (!target) throw new Error("there is no group");
  return target.perform(call);
}

function describe({ id, state, stateReason, launchTime, tags }: FakeInstance) {
  return {
    InstanceId: id,
    State: { Name: state },
    LaunchTime: launchTime,
    Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
    ...(stateReason && { StateReason: { Code: stateReason } }),
  };
}

function page<T>(all: readonly T[], size: number, token = "0"): { items: readonly T[]; NextToken?: string } {
  const start = Number(token);
  const next = start + size;
  return { items: all.slice(start, next), ...(next < all.length && { NextToken: String(next) }) };
}
