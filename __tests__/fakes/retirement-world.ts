import { VendorApiError } from "../../handlers/lib/core/errors.ts";
import type { AgentFact, VendorRetirement } from "../../handlers/lib/core/ports.ts";
import type { LifecycleHook, RetirementReason } from "../../handlers/lib/core/retirement.ts";
import { handleRetire } from "../../handlers/retire/handler.ts";
import { retirementDefinition } from "../../stacks/constructs/retirement/definition.ts";
import { createLogFake, createMetricsFake, type MetricsFake } from "./log.ts";
import { drainOnInstance, semaphoreRetirementOver } from "./semaphore-retirement.ts";
import { type Execution, execute } from "./step-functions.ts";

const heartbeatSeconds = 3600;
const account = "us-west-2:111122223333";
const failure = (name: string, message: string) => Object.assign(new Error(message), { name });

/** Services that can be down. */
export type Service = "vendor" | "autoscaling" | "ec2" | "ecs" | "sns";

/** An agent and what it runs on. */
export interface WorldAgent {
  readonly name: string;
  /** Whether the vendor has a record of it. */
  known: boolean;
  /** The word of its machine that counts. `left` also: a retirement has proven it idle and deregistered it. */
  word: AgentFact | undefined;
  /** The vendor lists an agent that nobody can place. */
  unplaced: boolean;
  locked: boolean;
  jobEndsAt: number;
  /**
   * Its state in Auto Scaling. `undefined`: Auto Scaling has forgotten it. Tasks are `InService` until they are
   * stopped.
   */
  lifecycle: string | undefined;
  /** The Auto Scaling group that has it. */
  group: string;
  running: boolean;
  /** What DescribeTasks says of its task. */
  task: { TaskDefinitionArn: string; StartedBy?: string };
  /** Its state in EC2 if it does not run any more, even if nobody terminated it. */
  deadAs: "shutting-down" | "terminated" | "stopping" | "stopped";
  /** Who ended it, and whether that killed a job. */
  end: { readonly by: "us" | "aws"; readonly killedJob: boolean } | undefined;
}

/** A fleet with its vendor and AWS that executes retirements. It lives in faked time. */
export interface RetirementWorld {
  readonly agents: readonly WorldAgent[];
  readonly metrics: MetricsFake;
  /** Messages of the alerts. */
  readonly alerts: readonly { readonly alert: string; readonly lastError: { readonly Error: string } }[];
  readonly calls: readonly string[];
  /** The group's size and limits in Auto Scaling. */
  readonly group: { desired: number; readonly min: number };
  /** Number of waiting jobs. */
  queued: number;
  /** Called before each call is carried out, and may throw in its place. */
  onCall: ((call: string, agent: string) => void) | undefined;
  /** How long a call takes each way, in milliseconds. */
  latency: () => number;
  addAgent(name: string): WorldAgent;
  /** Offers a job to an agent. Returns whether the agent took it. */
  giveJob(agent: WorldAgent, seconds: number): boolean;
  /** From now on every call to this service fails. */
  breakFor(service: Service, seconds: number): void;
  /** The group terminates an instance for a reason of its own; the hook's event starts a retirement. */
  terminate(agent: WorldAgent): LifecycleHook;
  /** EC2 takes an instance, whatever runs on it. */
  reclaim(agent: WorldAgent): void;
  retire(agent: WorldAgent, reason: RetirementReason, hook?: LifecycleHook): Promise<Execution>;
  /** Resolves when all retirements are over, including those that hooks started meanwhile. */
  settled(): Promise<readonly Execution[]>;
  /** Violations of the rules once all is over. */
  faults(): string[];
}

/** See {@link RetirementWorld}. */
export function createRetirementWorld({
  place,
  drainTimeoutSeconds = 21_600,
  min = 0,
  asksInstances = false,
  groups = ["ci"],
}: {
  readonly place: "asg" | "ecs";
  /** Semaphore's agents, whose state only their instances know. If the vendor is down, SSM is down. */
  readonly asksInstances?: boolean;
  readonly drainTimeoutSeconds?: number;
  readonly min?: number;
  /** The fleet's groups. */
  readonly groups?: readonly string[];
}): RetirementWorld {
  const agents: WorldAgent[] = [];
  const alerts: RetirementWorld["alerts"][number][] = [];
  const calls: string[] = [];
  /** A failed execution raises an alarm, whether or not its alert got through. */
  let told = false;
  const executions: Promise<Execution>[] = [];
  const brokenUntil = new Map<Service, number>();
  const hooks = new Map<string, { readonly agent: WorldAgent; expiry: NodeJS.Timeout }>();
  const metrics = createMetricsFake();
  const log = createLogFake();
  const definition = retirementDefinition({
    fleet: "ci",
    partition: "aws",
    retireFunction: { arn: `arn:aws:lambda:${account}:function:ci-retire`, timeoutSeconds: 80 },
    runbook: "docs/runbook.md",
    topic: `arn:aws:sns:${account}:ci-alarms`,
    place:
      place === "asg"
        ? {
            type: "asg",
            groups: groups.map((name) => ({
              name,
              arn: `arn:aws:autoscaling:${account}:autoScalingGroup:1:autoScalingGroupName/${name}`,
            })),
          }
        : {
            type: "ecs",
            cluster: `arn:aws:ecs:${account}:cluster/ci`,
            taskDefinitions: ["ci", "ci_win"].map((family) => `arn:aws:ecs:${account}:task-definition/${family}:*`),
          },
    drainTimeoutSeconds,
  });

  const find = (name: unknown) => {
    const agent = agents.find((each) => each.name === name);
    if (!agent) throw new Error(`no agent ${name}`);
    return agent;
  };
  const works = ({ jobEndsAt, running }: WorldAgent) => running && jobEndsAt > Date.now();

  function assertUp(service: Service): void {
    if ((brokenUntil.get(service) ?? 0) <= Date.now()) return;
    if (service === "vendor") throw new VendorApiError("unavailable", "the vendor's API is down");
    throw failure(`${service}.Down`, `${service} is down`);
  }

  async function reached<T>(service: Service, call: string, agent: string, effect: () => T): Promise<T> {
    await pause();
    calls.push(call);
    world.onCall?.(call, agent);
    assertUp(service);
    const result = effect();
    await pause();
    return result;
  }

  async function pause(): Promise<void> {
    const milliseconds = world.latency();
    if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  function finish(agent: WorldAgent, by: "us" | "aws"): void {
    agent.end ??= { by, killedJob: works(agent) };
    agent.running = false;
    agent.lifecycle = undefined;
    // Until the vendor misses heartbeats, it shows the last known state.
    setTimeout(() => {
      if (place === "asg") agent.known = false;
    }, 90_000);
  }

  const byInstances = semaphoreRetirementOver({
    run: (id, script) => reached("vendor", script, id, () => drainOnInstance(find(id), works)),
  });
  const byApi: VendorRetirement = {
    drain: ({ name }) =>
      reached("vendor", "drain", name, () => {
        const agent = find(name);
        // The agent may be in another pool and work there.
        if (!agent.known) return agent.unplaced ? "unmatched" : "unseen";
        agent.locked = true;
        return agent.jobEndsAt > Date.now() ? "busy" : "idle";
      }),
    undrain: ({ name }) =>
      reached("vendor", "undrain", name, () => {
        find(name).locked = false;
      }),
    deregister: ({ name }) =>
      reached("vendor", "deregister", name, () => {
        const agent = find(name);
        if (works(agent)) throw new VendorApiError("conflict", "the agent runs a job");
        agent.known = false;
      }),
  };
  const vendor = {
    readDemand: () => reached("vendor", "readDemand", "", () => ({ queued: world.queued, running: 0 })),
  };

  const aws: Record<string, (parameters: never, agent: WorldAgent) => unknown> = {
    describeAutoScalingInstances: (_parameters, { name, lifecycle, group: AutoScalingGroupName }) => ({
      AutoScalingInstances:
        lifecycle === undefined ? [] : [{ InstanceId: name, AutoScalingGroupName, LifecycleState: lifecycle }],
    }),
    describeInstances: (_parameters, { running, deadAs }) => ({
      Reservations: [{ Instances: [{ State: { Name: running ? "running" : deadAs } }] }],
    }),
    recordLifecycleActionHeartbeat({ InstanceId }: { InstanceId: string }) {
      const hook = activeHook(InstanceId);
      clearTimeout(hook.expiry);
      hook.expiry = expiryOf(hook.agent);
    },
    completeLifecycleAction({ InstanceId }: { InstanceId: string }) {
      const { agent, expiry } = activeHook(InstanceId);
      clearTimeout(expiry);
      hooks.delete(InstanceId);
      finish(agent, "us");
    },
    terminateInstanceInAutoScalingGroup(parameters: { ShouldDecrementDesiredCapacity: boolean }, agent) {
      if (agent.lifecycle !== "InService") throw failure("AutoScaling.AutoScalingException", "Instance Id not found");
      if (parameters.ShouldDecrementDesiredCapacity) {
        const atFloor = world.group.desired <= world.group.min;
        if (atFloor) throw failure("AutoScaling.AutoScalingException", "will violate group's min size constraint");
        world.group.desired -= 1;
      }
      hold(agent);
    },
    describeTasks: (_parameters, { lifecycle, task }) => ({ Tasks: lifecycle === undefined ? [] : [task] }),
    stopTask(_parameters: unknown, agent) {
      if (agent.lifecycle === undefined)
        throw failure("Ecs.InvalidParameterException", "The referenced task was not found.");
      finish(agent, "us");
    },
  };

  function activeHook(instance: string) {
    const hook = hooks.get(instance);
    if (!hook) {
      const message = `No active Lifecycle Action found with instance ID ${instance}`;
      throw failure("AutoScaling.AutoScalingException", message);
    }
    return hook;
  }

  function expiryOf(agent: WorldAgent): NodeJS.Timeout {
    return setTimeout(() => {
      hooks.delete(agent.name);
      finish(agent, "aws");
    }, heartbeatSeconds * 1000);
  }

  /** The termination hook holds an instance, and its event is delivered. */
  function hold(agent: WorldAgent): LifecycleHook {
    agent.lifecycle = "Terminating:Wait";
    hooks.set(agent.name, { agent, expiry: expiryOf(agent) });
    const hook = { name: "agent-fleets-retire", group: agent.group };
    void world.retire(agent, "terminating", hook);
    return hook;
  }

  async function callTask(resource: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (resource.includes(":lambda:")) {
      const pools = new Map([[undefined, { retirement: asksInstances ? byInstances : byApi, vendor, metrics }]]);
      const instances = {
        wordOf: async (id: string) => find(id).word,
        starting: async () => 0,
        note: async (id: string, fact: AgentFact) => {
          find(id).word = fact;
        },
      };
      const group = place === "asg" ? instances : undefined;
      return handleRetire(parameters, { pools, group, log });
    }
    const [, service = "", action = ""] = /:(autoscaling|ec2|ecs|sns):(\w+)$/.exec(resource) ?? [];
    if (service === "sns") {
      return reached("sns", "publish", "", () => alerts.push(parameters.Message as RetirementWorld["alerts"][number]));
    }
    const ids = ((parameters.InstanceIds ?? parameters.Tasks) as string[] | undefined)?.[0];
    const agent = find(ids ?? parameters.InstanceId ?? parameters.Task);
    return reached(service as Service, action, agent.name, () => aws[action]?.(parameters as never, agent));
  }

  const world: RetirementWorld = {
    agents,
    metrics,
    alerts,
    calls,
    group: { desired: 0, min },
    queued: 0,
    onCall: undefined,
    latency: () => 0,
    addAgent(name) {
      const agent: WorldAgent = {
        name,
        known: true,
        word: undefined,
        unplaced: false,
        locked: false,
        jobEndsAt: 0,
        lifecycle: "InService",
        group: "ci",
        running: true,
        task: { TaskDefinitionArn: `arn:aws:ecs:${account}:task-definition/ci_win:7`, StartedBy: "agent-fleets" },
        deadAs: "terminated",
        end: undefined,
      };
      agents.push(agent);
      world.group.desired += 1;
      return agent;
    },
    giveJob(agent, seconds) {
      if (agent.locked || !agent.known || !agent.running || works(agent)) return false;
      agent.jobEndsAt = Date.now() + seconds * 1000;
      return true;
    },
    breakFor(service, seconds) {
      brokenUntil.set(service, Date.now() + seconds * 1000);
    },
    terminate: hold,
    reclaim(agent) {
      clearTimeout(hooks.get(agent.name)?.expiry);
      hooks.delete(agent.name);
      finish(agent, "aws");
    },
    retire({ name }, reason, hook) {
      const deadline = new Date(Date.now() + drainTimeoutSeconds * 1000).toISOString();
      const execution = execute(definition, { agent: { name, capacityId: name }, reason, hook, deadline }, callTask);
      executions.push(execution);
      void execution.then(({ status }) => {
        told ||= status === "FAILED";
      });
      return execution;
    },
    async settled() {
      for (let count = -1; count !== executions.length; ) {
        count = executions.length;
        await Promise.all(executions);
      }
      return Promise.all(executions);
    },
    faults() {
      return agents.flatMap(({ name, end, lifecycle, locked, known, running }) => [
        ...(end?.by === "us" && end.killedJob ? [`we killed a job on ${name}`] : []),
        ...(running && lifecycle === "InService" && locked && !told ? [`${name} stays drained`] : []),
        ...(lifecycle === "Terminating:Wait" && !told ? [`the hook of ${name} is left to run out`] : []),
        ...(end?.by === "us" && known && !told ? [`the vendor still knows ${name}`] : []),
      ]);
    },
  };
  return world;
}
