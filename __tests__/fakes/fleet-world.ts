import type { ECSClient, Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../../handlers/lib/core/model.ts";
import type { VendorAgent } from "../../handlers/lib/core/ports.ts";
import { neverRegisteredExitCode } from "../../handlers/lib/settings/ecs-capacity.ts";
import { createEcsFake, type EcsCall, ecsClientOver } from "./ecs.ts";
import type { EventClock } from "./event-clock.ts";
import { createWire } from "./wire.ts";
import { createEarlierAnswers, staleEcsSeconds } from "./worlds/stale-answers.ts";
import { createTaskHosts } from "./worlds/task-hosts.ts";
import { noTrouble } from "./worlds/task-trouble.ts";
import { createTaskVendor } from "./worlds/task-vendor.ts";

/** The settings of a world. Times in seconds, chances from 0 to 1. */
export interface WorldSettings {
  readonly max: number;
  readonly singleUse: boolean;
  /** `by-retirement`: the loop retires idle agents, as those of Azure DevOps. Left out: they leave by themselves. */
  readonly departure?: "by-itself" | "by-retirement";
  /** Whether the vendor shows its agents. If not, it shows jobs only. */
  readonly showsAgents: boolean;
  /** Whether the vendor keeps records of agents that left until someone deletes them. */
  readonly keepsRecords: boolean;
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** After it an entry point ends an agent that has not registered. */
  readonly registrationGraceSeconds: number;
  readonly listingLagSeconds: number;
  /** Tasks run on EC2 hosts of a capacity provider that has grown as far as it may, not on Fargate. */
  readonly hosts?: { readonly places: number; readonly bootSeconds: number };
}

/** Like a run that is planned and then applied: stage after stage, each on any agent, with no pause in between. */
export interface Job {
  readonly queuedAt: Date;
  readonly stageSeconds: readonly number[];
  stagesDone: number;
}

/** An agent and the task that it is in. */
export interface WorldAgent {
  readonly id: string;
  readonly name: string;
  readonly role: AgentRole;
  readonly task: Task;
  state: VendorAgent["state"] | "unregistered";
  toldToLeave: boolean;
  /** It gets no job. */
  locked: boolean;
  /** The vendor has lost its record, as long as that happens at all. */
  recordLost: boolean;
  jobsBefore: number;
  job?: Job | undefined;
}

/**
 * Jobs, agents and tasks that live by themselves on virtual time: agents boot, register, take jobs, idle out, crash;
 * calls take time, fail, or are carried out and lose their answer. `violations` lists events that must never happen.
 */
export function createFleetWorld(clock: EventClock, random: () => number, settings: WorldSettings) {
  const ecs = createEcsFake(clock);
  const agents = new Set<WorldAgent>();
  const queue: Job[] = [];
  const violations: string[] = [];
  /** Ids of agents are numbers, as those of Azure DevOps. */
  let agentIds = 100_000;
  const world = {
    trouble: noTrouble,
    /** Why ECS stops a task that it had accepted, before it runs; `undefined`: it does not. */
    failsLate: (_: Task): string | undefined =>
      chance(world.trouble.failsLate) ? "Capacity is unavailable at this time. Please try again later" : undefined,
    violations,
    launches: 0,
    /** Agents that registered after the loop had given them up: it may have launched others for them. */
    cameLate: 0,
    jobsDone: 0,
    get queued(): number {
      return queue.length;
    },
    get living(): readonly WorldAgent[] {
      return [...agents].filter(({ task }) => task.lastStatus !== "STOPPED");
    },
    queueJob,
    connect,
  };
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);
  const hosts = createTaskHosts({ clock, random, places: settings.hosts?.places ?? 0, onNoHost: failToStart });
  ecs.chooseSubnet = (subnets) => subnets[Math.floor(random() * subnets.length)];
  const call = createWire(clock, random, 600, () => world.trouble.callFails);
  const earlierAnswers = createEarlierAnswers(clock, random, () => world.trouble.staleAws, staleEcsSeconds);
  const { vendor, retirements } = createTaskVendor({
    clock,
    random,
    wire: call,
    settings,
    trouble: () => world.trouble,
    agents,
    queue,
    onUnlocked: lookForWork,
    onDeleted: deleted,
    onRetired(capacityId) {
      const task = ecs.tasks.get(capacityId);
      if (task) stopped(task, "the workflow");
    },
    onViolation: (what) => violations.push(what),
  });

  function queueJob(stageSeconds: readonly number[]): void {
    enqueue({ queuedAt: clock.now(), stageSeconds, stagesDone: 0 });
  }

  function enqueue(job: Job): void {
    queue.push(job);
    for (const agent of agents) lookForWork(agent);
  }

  function dropJob(agent: WorldAgent): void {
    const { job } = agent;
    agent.job = undefined;
    if (job) enqueue(job);
  }

  function lookForWork(agent: WorldAgent): void {
    clock.after(between(0, 2), () => {
      const [job] = queue;
      if (agent.state !== "idle" || agent.toldToLeave || agent.locked || !job) return;
      queue.shift();
      agent.state = "busy";
      agent.job = job;
      const seconds = job.stageSeconds[job.stagesDone] ?? 0;
      if (chance(world.trouble.jobCrashesAgent)) clock.after(seconds / 2, () => crash(agent));
      else clock.after(seconds, () => finish(agent, job));
    });
  }

  function finish(agent: WorldAgent, job: Job): void {
    if (agent.job !== job) return;
    agent.job = undefined;
    job.stagesDone += 1;
    if (job.stagesDone < job.stageSeconds.length) enqueue(job);
    else world.jobsDone += 1;
    if (settings.singleUse || agent.toldToLeave) leave(agent);
    else becomeIdle(agent);
  }

  function becomeIdle(agent: WorldAgent): void {
    agent.state = "idle";
    lookForWork(agent);
    agent.jobsBefore += 1;
    const { jobsBefore } = agent;
    if (agent.role === "floor" || settings.departure === "by-retirement") return;
    clock.after(settings.idleTimeoutSeconds, () => {
      if (agent.state === "idle" && agent.jobsBefore === jobsBefore) tellToLeave(agent);
    });
  }

  function tellToLeave(agent: WorldAgent): void {
    agent.toldToLeave = true;
    if (agent.state === "idle" || agent.state === "unregistered") leave(agent);
  }

  /** The agent is gone at once, its process ends soon after, and ECS takes a while to notice and to clean up. */
  function leave(agent: WorldAgent, exitCode = 0): void {
    forget(agent);
    clock.after(between(0.2, 3), () => endTask(agent.task, "EssentialContainerExited", exitCode));
  }

  function forget(agent: WorldAgent): void {
    if (!settings.keepsRecords || agent.state === "unregistered") agents.delete(agent);
    agent.state = "gone";
  }

  function endTask(task: Task, stopCode: NonNullable<Task["stopCode"]>, exitCode: number): void {
    if (task.lastStatus === "STOPPED") return;
    if (task.desiredStatus !== "STOPPED") Object.assign(task, { desiredStatus: "STOPPED", stopCode });
    clock.after(between(5, 20), () => {
      if (task.lastStatus === "STOPPED") return;
      Object.assign(task, { lastStatus: "STOPPED", stoppedAt: clock.now(), containers: [{ exitCode }] });
      hosts.release(task);
    });
  }

  function failToStart(task: Task, stoppedReason: string): void {
    if (task.desiredStatus === "STOPPED") return;
    for (const agent of agents) if (agent.task === task) forget(agent);
    Object.assign(task, { stoppedReason });
    endTask(task, "TaskFailedToStart", 0);
  }

  /** Not by us. The job begins anew, and the vendor takes five minutes to see that the agent is lost. */
  function crash(agent: WorldAgent): void {
    dropJob(agent);
    endTask(agent.task, "EssentialContainerExited", 137);
    clock.after(300, () => forget(agent));
  }

  function boot(task: Task, name: string, role: AgentRole): void {
    agentIds += 1;
    const agent: WorldAgent = {
      id: String(agentIds),
      name,
      role,
      task,
      state: "unregistered",
      toldToLeave: false,
      locked: false,
      recordLost: false,
      jobsBefore: -1,
    };
    agents.add(agent);
    const { trouble } = world;
    const hangs = chance(trouble.agentHangs);
    const crashes = chance(trouble.agentCrashesAtBoot);
    const seconds = settings.hosts?.bootSeconds ?? (chance(trouble.agentIsLate) ? between(120, 400) : between(15, 70));
    const pulls = () => {
      if (task.desiredStatus === "STOPPED") return;
      Object.assign(task, { lastStatus: "PENDING", connectivityAt: clock.now(), pullStartedAt: clock.now() });
    };
    if (settings.hosts) pulls();
    else clock.after(seconds / 3, pulls);
    clock.after(seconds, () => {
      if (task.desiredStatus === "STOPPED") return;
      Object.assign(task, { lastStatus: "RUNNING", startedAt: clock.now() });
      clock.after(settings.maxLifetimeSeconds, () => tellToLeave(agent));
      if (crashes) {
        clock.after(3, () => leave(agent, 1));
      } else if (hangs) {
        clock.after(settings.registrationGraceSeconds, () => neverRegistered(agent));
      } else {
        clock.after(between(1, 4), () => {
          if (agent.state !== "unregistered" || task.desiredStatus === "STOPPED") return;
          if (seconds > settings.registrationGraceSeconds) world.cameLate += 1;
          becomeIdle(agent);
        });
      }
    });
  }

  /** Only its entry point sees it. */
  function neverRegistered(agent: WorldAgent): void {
    if (agent.state === "unregistered" && agent.task.desiredStatus !== "STOPPED") leave(agent, neverRegisteredExitCode);
  }

  function launched(task: Task): void {
    const [override] = task.overrides?.containerOverrides ?? [];
    const value = (name: string) => override?.environment?.find((variable) => variable.name === name)?.value;
    world.launches += 1;
    const begin = () => {
      if (task.desiredStatus === "STOPPED") return;
      boot(task, String(value("TFC_AGENT_NAME")), value("AGENT_FLEETS_ROLE") === "floor" ? "floor" : "burst");
    };
    const whyNot = world.failsLate(task);
    if (whyNot !== undefined) clock.after(between(10, 40), () => failToStart(task, whyNot));
    else if (settings.hosts) hosts.await(task, begin);
    else begin();
    const existing = [...ecs.tasks.values()].filter(exists).length;
    if (existing > settings.max) violations.push(`${existing} agents exist at ${clock.seconds} s`);
  }

  /** One whose agent has ended, and that ECS still clears up, can be missing from both lists where one of them is late. */
  function exists({ lastStatus, desiredStatus }: Task): boolean {
    return lastStatus !== "STOPPED" && (desiredStatus !== "STOPPED" || world.trouble.staleAws === 0);
  }

  /** The loop may stop what never ran, the workflow what has no job. */
  function stopped(task: Task, by: "the loop" | "the workflow"): void {
    for (const agent of agents) {
      if (agent.task !== task || task.lastStatus === "STOPPED") continue;
      const mayBe = by === "the loop" ? task.lastStatus !== "RUNNING" : agent.job === undefined;
      if (!mayBe) violations.push(`${by} stopped ${agent.name}, ${agent.state} at ${clock.seconds} s`);
      forget(agent);
      dropJob(agent);
    }
    endTask(task, "UserInitiated", 137);
  }

  /** A cold start: a new client of ECS, after ECS has come to show all launched tasks. */
  function connect(): ECSClient {
    const connectedAt = clock.now();
    ecs.listingLagMilliseconds = ({ createdAt }) =>
      createdAt && createdAt >= connectedAt ? settings.listingLagSeconds * 1000 * random() : 0;
    ecs.refuse = () => (chance(world.trouble.noCapacity) ? { reason: "Capacity is unavailable" } : undefined);
    return ecsClientOver((request) =>
      call(
        () => perform(request),
        () => new Error("socket hang up"),
      ),
    );
  }

  function perform(request: EcsCall): object {
    const before = ecs.tasks.size;
    const toStop = request.operation === "StopTask" ? ecs.tasks.get(String(request.input.task)) : undefined;
    const lives = toStop?.desiredStatus === "RUNNING";
    const answer = earlierAnswers(request, () => ecs.perform(request));
    const newest = ecs.tasks.size > before && [...ecs.tasks.values()].at(-1);
    if (newest) launched(newest);
    if (toStop && lives) stopped(toStop, "the loop");
    return answer;
  }

  /** The vendor deletes the record of an idle agent, whose process finds out by itself. */
  function deleted(agent: WorldAgent): void {
    agent.toldToLeave = true;
    clock.after(60, () => {
      if (agent.state === "idle") leave(agent, 1);
    });
  }

  return Object.assign(world, { vendor, retirements });
}
