import type { Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../../../handlers/lib/core/model.ts";
import { neverRegisteredExitCode } from "../../../handlers/lib/settings/ecs-capacity.ts";
import { createEcsFake, type EcsCall, ecsClientOver } from "./ecs.ts";
import type { EventClock } from "./event-clock.ts";
import { createHands } from "./hands.ts";
import type { Job, WorldAgent, WorldEvent, WorldSettings } from "./model.ts";
import { plainRetirementOf } from "./plain-retirement.ts";
import { createEarlierAnswers, staleEcsSeconds } from "./stale-answers.ts";
import { createTaskHosts } from "./task-hosts.ts";
import { noTrouble } from "./task-trouble.ts";
import { createTaskVendor, type TaskVendorOptions } from "./task-vendor.ts";
import { createWire, type Wire } from "./wire.ts";

/** ECS shows a stopped task for an hour at least: DescribeTasks. */
const shownStoppedSeconds = 3600;

/**
 * Jobs, agents and tasks that live by themselves on virtual time: agents boot, register, take jobs, idle out, crash;
 * calls take time, fail, or are carried out and lose their answer. `violations` lists events that must never happen.
 *
 * @param retirementOf the vendor's half of retirements
 */
export function createFleetWorld(
  clock: EventClock,
  random: () => number,
  settings: WorldSettings,
  retirementOf: TaskVendorOptions["retirementOf"] = plainRetirementOf,
) {
  const ecs = createEcsFake(clock, { remembersCalls: false, cluster: settings.name ?? "ci" });
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
    /** How long each job waited for its first agent, in seconds. */
    waits: [] as number[],
    get queued(): number {
      return queue.length;
    },
    get living(): readonly WorldAgent[] {
      return [...agents].filter(({ task }) => task.lastStatus !== "STOPPED");
    },
    queueJob,
    /** The client of a cold start. It keeps nothing, so all share one. */
    connect: () => client,
  };
  const observe = (event: WorldEvent) => settings.observe?.(event);
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);
  const hosts = createTaskHosts({ clock, random, places: 0, ...settings.hosts, onNoHost: failToStart });
  ecs.chooseSubnet = (subnets) => subnets[Math.floor(random() * subnets.length)];
  const wire = (to: "aws" | "vendor") => {
    const call = createWire(clock, random, settings.slowestCallMs ?? 600, () => world.trouble.callFails);
    const counting: Wire = (act, failure) => {
      observe({ type: "called", to });
      return call(act, failure);
    };
    return counting;
  };
  const call = wire("aws");
  const client = ecsClientOver((request) => call(() => perform(request), hangUp));
  const lags = new WeakMap<Task, number>();
  ecs.listingLagMilliseconds = (task) => lags.get(task) ?? 0;
  ecs.refuse = () => (chance(world.trouble.noCapacity) ? { reason: "Capacity is unavailable" } : undefined);
  const earlierAnswers = createEarlierAnswers(clock, random, () => world.trouble.staleAws, staleEcsSeconds);
  const { vendor, retirements } = createTaskVendor({
    clock,
    random,
    wire: wire("vendor"),
    retirementOf,
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

  function queueJob(stageSeconds: readonly number[]): Job {
    const job = { queuedAt: clock.now(), stageSeconds, stagesDone: 0 };
    enqueue(job);
    return job;
  }

  function enqueue(job: Job): void {
    queue.push(job);
    observe({ type: "queued", job });
    for (const agent of agents) lookForWork(agent);
  }

  function dropJob(agent: WorldAgent, how: "ended" | "lost"): void {
    const { job } = agent;
    agent.job = undefined;
    if (!job) return;
    observe({ type: "job-left", job, how });
    enqueue(job);
  }

  function lookForWork(agent: WorldAgent): void {
    clock.after(between(0, 2), () => {
      const [job] = queue;
      if (agent.state !== "idle" || agent.toldToLeave || agent.locked || !job) return;
      queue.shift();
      if (job.stagesDone === 0) world.waits.push((clock.now().getTime() - job.queuedAt.getTime()) / 1000);
      agent.state = "busy";
      agent.job = job;
      observe({ type: "agent", agent });
      const seconds = job.stageSeconds[job.stagesDone] ?? 0;
      if (chance(world.trouble.jobCrashesAgent)) clock.after(seconds / 2, () => crash(agent));
      else clock.after(seconds, () => finish(agent, job));
    });
  }

  function finish(agent: WorldAgent, job: Job): void {
    if (agent.job !== job) return;
    agent.job = undefined;
    job.stagesDone += 1;
    observe({ type: "job-left", job, how: "done" });
    if (job.stagesDone < job.stageSeconds.length) enqueue(job);
    else world.jobsDone += 1;
    if (settings.singleUse || agent.toldToLeave) leave(agent);
    else becomeIdle(agent);
  }

  function becomeIdle(agent: WorldAgent): void {
    agent.state = "idle";
    observe({ type: "agent", agent });
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
    if (agent.state === "gone") return;
    agent.state = "gone";
    observe({ type: "agent", agent });
  }

  function endTask(task: Task, stopCode: NonNullable<Task["stopCode"]>, exitCode: number): void {
    if (task.lastStatus === "STOPPED") return;
    if (task.desiredStatus !== "STOPPED") {
      Object.assign(task, { desiredStatus: "STOPPED", stopCode });
      observe({ type: "stopping", task });
    }
    clock.after(between(5, 20), () => {
      if (task.lastStatus === "STOPPED") return;
      Object.assign(task, { lastStatus: "STOPPED", stoppedAt: clock.now(), containers: [{ exitCode }] });
      hosts.release(task);
      observe({ type: "stopped", task });
      clock.after(shownStoppedSeconds, () => ecs.forget(task));
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
    dropJob(agent, "lost");
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
    observe({ type: "agent", agent });
    const { trouble } = world;
    const hangs = chance(trouble.agentHangs);
    const crashes = chance(trouble.agentCrashesAtBoot);
    const registers = between(1, 4);
    const seconds = settings.bootSeconds
      ? Math.max(0, settings.bootSeconds() - registers)
      : (settings.hosts?.bootSeconds ?? (chance(trouble.agentIsLate) ? between(120, 400) : between(15, 70)));
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
        clock.after(registers, () => {
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
    lags.set(task, between(...settings.listingLagSeconds) * 1000);
    observe({ type: "launched", task });
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
      dropJob(agent, "ended");
    }
    endTask(task, "UserInitiated", 137);
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

  const hands = createHands({ clock, ecs, perform, tellToLeave, forget, dropJob, endTask });
  return Object.assign(world, { vendor, retirements, ...hands });
}

function hangUp(): Error {
  return new Error("socket hang up");
}
