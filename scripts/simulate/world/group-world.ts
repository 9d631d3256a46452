import type { AgentFact } from "../../../handlers/lib/core/ports.ts";
import { leftTag, neverRegisteredTag, registeredTag } from "../../../handlers/lib/settings/asg-capacity.ts";
import { type AsgCall, asgClientsOver, createAsgFake, type FakeInstance, performOf } from "./asg.ts";
import { type LaunchEnd, startAsgLife } from "./asg-life.ts";
import type { EventClock } from "./event-clock.ts";
import type { GroupAgent, GroupWorldSettings } from "./group-model.ts";
import { calm } from "./group-trouble.ts";
import { createGroupVendor } from "./group-vendors.ts";
import type { Job, SeenAgent, WorldEvent } from "./model.ts";
import { silentLog, silentMetrics } from "./silence.ts";
import { createEarlierAnswers } from "./stale-answers.ts";
import { createWire, type Wire } from "./wire.ts";
import { createWorldWorkflow, type Execution, retirementsOver } from "./workflow.ts";

/** Auto Scaling waits so long for a hook that nobody heartbeats. */
const hookSeconds = 3600;
/** In seconds, as role_of_agent of agents/ec2/life.sh waits. */
const longestWaitForRole = 120;
/** The tags that the release function writes, for what an instance says of its agent. */
const tagOf = { left: leftTag, registered: registeredTag, "never-registered": neverRegisteredTag } as const;

/**
 * Jobs, agents and a group's instances that live by themselves on virtual time, with a retirement workflow that follows
 * the rules of the real one. `violations` is what must never have happened.
 */
export function createGroupWorld(clock: EventClock, random: () => number, settings: GroupWorldSettings) {
  const { max, spotFallback = false } = settings;
  const remembers = settings.observe === undefined;
  const aws = createAsgFake(clock, { min: spotFallback ? 0 : settings.min, max }, { remembers });
  aws.group.desired = settings.initial ?? settings.min;
  const onDemand = createAsgFake(clock, { min: 0, max }, { name: "ci-on-demand", idsFrom: 50_000_000, remembers });
  const groups = spotFallback ? [aws, onDemand] : [aws];
  const agents = new Map<string, GroupAgent>();
  /** Ids of the instances whose machine runs. */
  const running = new Set<string>();
  const queue: Job[] = [];
  const violations: string[] = [];
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);
  const observe = (event: WorldEvent<SeenAgent>) => settings.observe?.(event);
  const wireTo = (to: "aws" | "vendor"): Wire => {
    const call = createWire(clock, random, settings.slowestCallMs ?? 500, () => world.trouble.callFails);
    return (act, failure) => {
      observe({ type: "called", to });
      return call(act, failure);
    };
  };
  const overTheWire = wireTo("aws");

  const clients = asgClientsOver((call) =>
    overTheWire(
      () => perform(call),
      () => new Error("socket hang up"),
    ),
  );

  const world = {
    trouble: calm,
    launchFails: (): LaunchEnd | undefined => undefined,
    isImpaired: (): boolean => chance(world.trouble.impaired),
    /** Whether the pool's settings allow agents: not under a drain. */
    mayHaveAgents: true,
    /** Chance that AWS has no On-Demand instance. */
    noOnDemand: 0,
    violations,
    get launches(): number {
      return life.launches + onDemandLife.launches;
    },
    get onDemandLaunches(): number {
      return onDemandLife.launches;
    },
    get terminations(): number {
      return life.terminations + onDemandLife.terminations;
    },
    jobsDone: 0,
    group: aws.group,
    onDemandGroup: onDemand.group,
    get queued(): number {
      return queue.length;
    },
    get living(): readonly GroupAgent[] {
      return [...agents.values()].filter(({ state }) => state !== "gone");
    },
    queueJob(stageSeconds: readonly number[]): Job {
      const job = { queuedAt: clock.now(), stageSeconds, stagesDone: 0 };
      enqueue(job);
      return job;
    },
    /** AWS takes the instance of this agent back, two minutes after a notice. */
    reclaim(agent: GroupAgent): void {
      clock.after(120, () => lifeOf(agent.instance).lose(agent.instance, "Server.SpotInstanceTermination"));
    },
    /** Jobs that nobody waits for any more. */
    cancelJobs(): void {
      queue.length = 0;
    },
    /** An operator looks at the machines, finds that they never worked, and completes their hooks by hand. */
    completeHooks(ids: readonly string[]): void {
      for (const instance of ids.flatMap((id) => instanceOf(id) ?? [])) lifeOf(instance).complete(instance);
    },
    /** The clients of a cold start. They keep nothing, so all share them. */
    connect: () => clients,
  };

  const lifeOptions = {
    clock,
    random,
    noCapacity: () => world.trouble.noCapacity,
    launchFails: () => world.launchFails(),
    isImpaired: () => world.isImpaired(),
    onLaunched(instance: FakeInstance) {
      const task = { taskArn: instance.id };
      const fresh = { state: "unregistered", locked: false, recordLost: false, jobsTaken: 0 } as const;
      running.add(instance.id);
      agents.set(instance.id, { instance, task, garbled: random(), ...fresh });
      observe({ type: "launched", task });
      const staying = groups.reduce((sum, { instances }) => sum + countLaunched(instances), 0);
      if (staying > max) violated(`${staying} instances that nobody takes out exist`);
    },
    bootSeconds: settings.bootSeconds,
    onInService: boot,
    onHeld: held,
    onLeaving: leaving,
    onEnded({ id }: FakeInstance) {
      // One that was lost in its hook is completed later.
      if (running.delete(id)) observe({ type: "stopped", task: { taskArn: id } });
    },
    onViolation: violated,
  };
  const life = startAsgLife(aws, lifeOptions);
  const onDemandLife = startAsgLife(onDemand, { ...lifeOptions, noCapacity: () => world.noOnDemand });
  const lifeOf = ({ id }: FakeInstance) => (onDemand.instances.has(id) ? onDemandLife : life);
  const instanceOf = (id: unknown) => aws.instances.get(String(id)) ?? onDemand.instances.get(String(id));
  const earlierAnswers = createEarlierAnswers(clock, random, () => world.trouble.staleAws);
  const { vendor, retirement } = createGroupVendor(settings.departure, {
    clock,
    random,
    wire: wireTo("vendor"),
    trouble: () => world.trouble,
    agents,
    queue,
    onUnlocked: lookForWork,
    onToldToLeave: leaveByItself,
    onViolation: violated,
  });
  const workflow = createWorldWorkflow({
    clock,
    random,
    retire: {
      pools: new Map([
        [undefined, { retirement, vendor, metrics: silentMetrics, mayHaveAgents: async () => world.mayHaveAgents }],
      ]),
      group: {
        wordOf: async (id) => (["left", "registered", "never-registered"] as const).find((word) => hasSaid(id, word)),
        starting: async () =>
          groups
            .flatMap(({ instances }) => [...instances.values()])
            .filter(
              ({ state, tags }) => /pending|running/.test(state) && !Object.values(tagOf).some((tag) => tags.has(tag)),
            ).length,
        note: async (id) => void instanceOf(id)?.tags.set("AgentFleetsLeft", clock.now().toISOString()),
      },
      log: silentLog,
    },
    isStanding,
    end: endInstance,
    dies: () => chance(world.trouble.workflowDies),
  });
  everyMinute();
  return Object.assign(world, { vendor, retirements: retirementsOver(workflow, overTheWire, violated) });

  function boot(instance: FakeInstance, seconds: number | undefined): void {
    const agent = agents.get(instance.id);
    const fails = chance(world.trouble.bootFails);
    const drawn = () => (chance(world.trouble.agentIsLate) ? between(100, 400) : between(15, 70));
    clock.after(seconds ?? drawn(), () => {
      if (!agent || instance.state !== "running" || agent.state === "gone") return;
      // The boot program sees that the group takes the instance, and starts no agent.
      if (fails || instance.lifecycle !== "InService") bootFails(agent);
      else if (settings.departure === "by-itself") awaitRole(agent, longestWaitForRole);
      else register(agent);
    });
  }

  /** Only its role says whether it has an idle timeout. */
  function awaitRole(agent: GroupAgent, seconds: number): void {
    if (roleOf(agent.instance) !== undefined || seconds <= 0) register(agent);
    else clock.after(5, () => awaitRole(agent, seconds - 5));
  }

  /** It says so, and stays until the loop had the time to end it with decrement. */
  function bootFails(agent: GroupAgent): void {
    const { instance } = agent;
    say(agent, "never-registered");
    powerOff(instance, roleOf(instance) === "burst" ? 0 : settings.boots.earliestPowerOffSeconds);
  }

  function register(agent: GroupAgent): void {
    say(agent, "registered");
    becomeIdle(agent);
  }

  /** By the release queue, whose function writes it on the instance and starts the retirement of an agent that left. */
  function say(agent: GroupAgent, word: AgentFact): void {
    deliver(between(2, 10), () => {
      const { instance } = agent;
      if (instance.lifecycle === undefined) return;
      instance.tags.set(tagOf[word], clock.now().toISOString());
      if (word === "left") workflow.start(referenceTo(instance), "release");
    });
  }

  /** SQS and EventBridge deliver at least once; AWS sends notices best effort. */
  function deliver(seconds: number, arrive: () => void): void {
    const { noticeLost, noticeDoubled, noticeLate } = world.trouble;
    if (chance(noticeLost)) return;
    for (let left = chance(noticeDoubled) ? 2 : 1; left > 0; left -= 1) {
      clock.after(chance(noticeLate) ? between(60, 1800) : seconds, arrive);
    }
  }

  function hasSaid(id: string, word: AgentFact): boolean {
    return instanceOf(id)?.tags.has(tagOf[word]) ?? false;
  }

  function lookForWork(agent: GroupAgent): void {
    clock.after(between(0, 2), () => {
      const [job] = queue;
      if (agent.state !== "idle" || agent.locked || !job) return;
      queue.shift();
      Object.assign(agent, { job, jobsTaken: agent.jobsTaken + 1 });
      enter(agent, "busy");
      clock.after(job.stageSeconds[job.stagesDone] ?? 0, () => finish(agent, job));
    });
  }

  function finish(agent: GroupAgent, job: Job): void {
    if (agent.job !== job) return;
    agent.job = undefined;
    job.stagesDone += 1;
    observe({ type: "job-left", job, how: "done" });
    if (job.stagesDone < job.stageSeconds.length) enqueue(job);
    else world.jobsDone += 1;
    if (settings.singleUse) leaveByItself(agent);
    else becomeIdle(agent);
  }

  function enqueue(job: Job): void {
    queue.push(job);
    observe({ type: "queued", job });
    for (const agent of agents.values()) lookForWork(agent);
  }

  function enter(agent: GroupAgent, state: GroupAgent["state"]): void {
    if (agent.state === state) return;
    agent.state = state;
    observe({ type: "agent", agent });
  }

  function becomeIdle(agent: GroupAgent): void {
    const { instance } = agent;
    if (agent.state === "gone" || instance.state !== "running") return;
    enter(agent, "idle");
    if (settings.departure === "by-itself" && agent.locked) {
      leaveByItself(agent);
      return;
    }
    lookForWork(agent);
    const { jobsTaken } = agent;
    if (settings.departure === "by-retirement" || roleOf(instance) === "floor") return;
    clock.after(settings.idleTimeoutSeconds, () => {
      if (agent.state === "idle" && agent.jobsTaken === jobsTaken) leaveByItself(agent);
    });
  }

  /** Its shutdown hook tells the release queue; the instance powers off where nothing comes of it. */
  function leaveByItself(agent: GroupAgent): void {
    enter(agent, "gone");
    say(agent, "left");
    powerOff(agent.instance, settings.boots.bootSeconds);
  }

  function powerOff(instance: FakeInstance, earliest: number): void {
    const uptime = (clock.now().getTime() - instance.launchTime.getTime()) / 1000;
    clock.after(Math.max(60, earliest - uptime), () =>
      lifeOf(instance).lose(instance, "Client.InstanceInitiatedShutdown"),
    );
  }

  /** Auto Scaling sends a notice, best effort, and waits for an hour. */
  function held(instance: FakeInstance): void {
    deliver(between(1, 5), () => {
      if (instance.lifecycle !== undefined) workflow.start(referenceTo(instance), "terminating");
    });
    const runOut = () => {
      if (instance.lifecycle !== "Terminating:Wait") return;
      if (workflow.heartbeats(instance.id)) return clock.after(hookSeconds, runOut);
      const agent = agents.get(instance.id);
      if (agent?.state === "busy") violated(`the hook of ${instance.id} ran out on a job`);
      lifeOf(instance).complete(instance);
    };
    clock.after(hookSeconds, runOut);
  }

  /** An instance that has ended lets go of its hook at once. */
  function isStanding({ agent: { name }, reason }: Execution): boolean {
    const instance = instanceOf(name);
    if (instance?.lifecycle === undefined) return false;
    if (instance.state !== "running") {
      if (reason === "terminating") lifeOf(instance).complete(instance);
      return false;
    }
    return instance.lifecycle === (reason === "terminating" ? "Terminating:Wait" : "InService");
  }

  function endInstance({ agent: { name }, reason }: Execution, replace: boolean): void {
    const instance = instanceOf(name);
    if (!instance) return;
    const { group } = onDemand.instances.has(name) ? onDemand : aws;
    if (reason === "terminating") lifeOf(instance).complete(instance);
    else if (instance.lifecycle === "InService")
      lifeOf(instance).terminate(instance, !replace && group.desired > group.min);
  }

  function leaving(instance: FakeInstance, why: "terminated" | "lost"): void {
    const agent = agents.get(instance.id);
    observe({ type: "stopping", task: agent?.task ?? { taskArn: instance.id } });
    if (!agent) return;
    if (why === "terminated" && agent.state === "busy") violated(`${instance.id} was ended while busy`);
    const { job } = agent;
    agent.job = undefined;
    enter(agent, "gone");
    agents.delete(instance.id);
    if (!job) return;
    observe({ type: "job-left", job, how: why === "lost" ? "lost" : "ended" });
    enqueue(job);
  }

  function everyMinute(): void {
    clock.after(60, () => {
      const inService = [...life.inService, ...onDemandLife.inService];
      const [reclaimed, refreshed] = [0, 1].map(() => inService[Math.floor(random() * inService.length)]);
      if (reclaimed && chance(world.trouble.reclaims))
        lifeOf(reclaimed).lose(reclaimed, "Server.SpotInstanceTermination");
      if (refreshed && chance(world.trouble.refreshes)) lifeOf(refreshed).replace(refreshed);
      for (const agent of agents.values()) {
        if (agent.state === "busy" && chance(world.trouble.lostRecord)) agent.recordLost = true;
      }
      everyMinute();
    });
  }

  function violated(what: string): void {
    violations.push(`${what} at ${clock.seconds} s`);
  }

  function roleOf({ tags }: FakeInstance): string | undefined {
    return tags.get("AgentFleetsRole");
  }

  /** What the loop itself asks of AWS: it must end no machine that lives. */
  function perform(call: AsgCall): object {
    const instance = instanceOf(call.input.InstanceId);
    if (call.operation.startsWith("Terminate") && instance?.state === "running") {
      violated(`the loop ended ${instance.id}, which lives`);
    }
    const answer = earlierAnswers(call, () => performOf(groups, call));
    if (call.operation === "SetDesiredCapacity") {
      const most = groups.reduce(
        (sum, { group, instances }) => sum + Math.max(group.desired, countLaunched(instances)),
        0,
      );
      if (most > max) violated(`${most} instances exist or are ordered`);
    }
    return answer;
  }
}

function referenceTo({ id }: FakeInstance) {
  return { name: id, capacityId: id, vendorId: undefined };
}

/** Instances that a group has launched and that nobody takes out of it. */
function countLaunched(instances: ReadonlyMap<string, FakeInstance>): number {
  return [...instances.values()].filter(({ lifecycle }) => /^(Pending|InService)/.test(lifecycle ?? "")).length;
}
