import { VendorApiError } from "../../handlers/lib/core/errors.ts";
import type { Retirements, Vendor, VendorAgent } from "../../handlers/lib/core/ports.ts";
import type { BootTimes } from "../../stacks/constructs/instances/boot-times.ts";
import { type AsgCall, asgClientsOver, createAsgFake, type FakeInstance } from "./asg.ts";
import { type LaunchEnd, startAsgLife } from "./asg-life.ts";
import type { EventClock } from "./event-clock.ts";
import { createGroupWorkflow } from "./group-workflow.ts";
import { createWire } from "./wire.ts";

/** What kind of world it is. Times in seconds. */
export interface GroupWorldSettings {
  readonly min: number;
  readonly max: number;
  /** Whether the vendor shows its agents and drains them, or shows jobs only and its agents leave by themselves. */
  readonly departure: "by-retirement" | "by-itself";
  readonly singleUse: boolean;
  readonly idleTimeoutSeconds: number;
  /** When hosts power themselves off; see `power_off` in agents/ec2/life.sh. */
  readonly boots: BootTimes;
}

/** What goes wrong, and how often: chances from 0 to 1. */
export interface GroupTrouble {
  readonly callFails: number;
  readonly noCapacity: number;
  readonly bootFails: number;
  readonly agentIsLate: number;
  /** Per minute: AWS takes an instance back, or has one replaced, which waits until it is idle. */
  readonly reclaims: number;
  readonly refreshes: number;
  readonly workflowDies: number;
  /** A notice of AWS or of an instance never arrives. */
  readonly noticeLost: number;
  /** The vendor lists an agent under a name that no machine has, or has lost its record, for ever. */
  readonly unlisted: number;
  /** The vendor's list is a minute old. */
  readonly staleList: number;
  /** The vendor's list is empty: it is another pool's. */
  readonly otherPool: number;
}

export const calm: GroupTrouble = {
  callFails: 0,
  noCapacity: 0,
  bootFails: 0,
  agentIsLate: 0,
  reclaims: 0,
  refreshes: 0,
  workflowDies: 0,
  noticeLost: 0,
  unlisted: 0,
  staleList: 0,
  otherPool: 0,
};

interface Job {
  readonly queuedAt: Date;
  readonly seconds: number;
}

/** An agent and the instance that it is on. */
export interface WorldAgent {
  readonly instance: FakeInstance;
  state: "unregistered" | "idle" | "busy" | "gone";
  locked: boolean;
  /** Whether the vendor's list shows it under its instance's name. */
  listed: boolean;
  jobsTaken: number;
  job?: Job | undefined;
}

/** Auto Scaling waits so long for a hook that nobody heartbeats. */
const hookSeconds = 3600;

/**
 * Jobs, agents and a group's instances that live by themselves on virtual time, with a retirement workflow that follows
 * the rules of the real one. `violations` is what must never have happened.
 */
export function createGroupWorld(clock: EventClock, random: () => number, settings: GroupWorldSettings) {
  const aws = createAsgFake(clock, settings);
  aws.group.desired = settings.min;
  const agents = new Map<string, WorldAgent>();
  const queue: Job[] = [];
  const violations: string[] = [];
  /** What the vendor listed a while ago, newest last. */
  const lists: { readonly at: number; readonly agents: VendorAgent[] }[] = [];
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);
  const overTheWire = createWire(clock, random, 500, () => world.trouble.callFails);

  const world = {
    trouble: calm,
    launchFails: (): LaunchEnd | undefined => undefined,
    isImpaired: () => false,
    violations,
    get launches(): number {
      return life.launches;
    },
    get terminations(): number {
      return life.terminations;
    },
    jobsDone: 0,
    group: aws.group,
    get queued(): number {
      return queue.length;
    },
    get living(): readonly WorldAgent[] {
      return [...agents.values()].filter(({ state }) => state !== "gone");
    },
    queueJob(seconds: number): void {
      queue.push({ queuedAt: clock.now(), seconds });
      for (const agent of agents.values()) lookForWork(agent);
    },
    /** Jobs that nobody waits for any more. */
    cancelJobs(): void {
      queue.length = 0;
    },
    connect: () =>
      asgClientsOver((call) =>
        overTheWire(
          () => perform(call),
          () => new Error("socket hang up"),
        ),
      ),
    vendor: vendor(),
  };

  const life = startAsgLife(aws, {
    clock,
    random,
    noCapacity: () => world.trouble.noCapacity,
    launchFails: () => world.launchFails(),
    isImpaired: () => world.isImpaired(),
    onLaunched(instance) {
      const listed = settings.departure === "by-itself" || !chance(world.trouble.unlisted);
      agents.set(instance.id, { instance, state: "unregistered", locked: false, listed, jobsTaken: 0 });
    },
    onInService: boot,
    onHeld: held,
    onLeaving: leaving,
    onViolation: violated,
  });
  const workflow = createGroupWorkflow({
    clock,
    random,
    life,
    group: aws.group,
    showsAgents: settings.departure === "by-retirement",
    find: (name) => agents.get(name),
    jobsWait: () => queue.length > 0,
    dies: () => chance(world.trouble.workflowDies),
    onUnlocked: lookForWork,
    onToldToLeave: leaveByItself,
  });
  everyMinute();
  return Object.assign(world, { retirements: retirements() });

  function boot(instance: FakeInstance): void {
    const agent = agents.get(instance.id);
    const fails = chance(world.trouble.bootFails);
    clock.after(chance(world.trouble.agentIsLate) ? between(100, 400) : between(15, 70), () => {
      if (!agent || instance.state !== "running" || agent.state === "gone") return;
      // The boot program sees that the group takes the instance, and starts no agent.
      if (fails || instance.lifecycle !== "InService") bootFails(agent);
      else if (settings.departure === "by-itself" && !roleOf(instance)) clock.after(45, () => register(agent));
      else register(agent);
    });
  }

  /** It says so, and stays until the loop had the time to end it with decrement. */
  function bootFails(agent: WorldAgent): void {
    const { instance } = agent;
    say(agent, "never-registered");
    powerOff(instance, roleOf(instance) === "burst" ? 0 : settings.boots.earliestPowerOffSeconds);
  }

  function register(agent: WorldAgent): void {
    say(agent, "registered");
    becomeIdle(agent);
  }

  /** By the release queue, whose function writes it on the instance and starts the retirement of an agent that left. */
  function say(agent: WorldAgent, word: "registered" | "never-registered" | "left"): void {
    if (chance(world.trouble.noticeLost)) return;
    const tag = { registered: "Registered", "never-registered": "NeverRegistered", left: "Left" }[word];
    clock.after(between(2, 10), () => {
      const { instance } = agent;
      if (instance.lifecycle === undefined) return;
      instance.tags.set(`AgentFleets${tag}`, clock.now().toISOString());
      if (word === "left") workflow.start(instance.id, "release");
    });
  }

  function lookForWork(agent: WorldAgent): void {
    clock.after(between(0, 2), () => {
      const [job] = queue;
      if (agent.state !== "idle" || agent.locked || !job) return;
      queue.shift();
      Object.assign(agent, { state: "busy", job, jobsTaken: agent.jobsTaken + 1 });
      clock.after(job.seconds, () => {
        if (agent.job !== job) return;
        agent.job = undefined;
        world.jobsDone += 1;
        if (settings.singleUse) leaveByItself(agent);
        else becomeIdle(agent);
      });
    });
  }

  function becomeIdle(agent: WorldAgent): void {
    const { instance } = agent;
    if (agent.state === "gone" || instance.state !== "running") return;
    agent.state = "idle";
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
  function leaveByItself(agent: WorldAgent): void {
    agent.state = "gone";
    say(agent, "left");
    powerOff(agent.instance, settings.boots.bootSeconds);
  }

  function powerOff(instance: FakeInstance, earliest: number): void {
    const uptime = (clock.now().getTime() - instance.launchTime.getTime()) / 1000;
    clock.after(Math.max(60, earliest - uptime), () => life.lose(instance, "Client.InstanceInitiatedShutdown"));
  }

  /** Auto Scaling sends a notice, best effort, and waits for an hour. */
  function held(instance: FakeInstance): void {
    if (!chance(world.trouble.noticeLost)) {
      clock.after(between(1, 5), () => workflow.start(instance.id, "terminating"));
    }
    const runOut = () => {
      if (instance.lifecycle !== "Terminating:Wait") return;
      if (workflow.heartbeats(instance.id)) return clock.after(hookSeconds, runOut);
      const agent = agents.get(instance.id);
      if (agent?.state === "busy") violated(`the hook of ${instance.id} ran out on a job`);
      life.complete(instance);
    };
    clock.after(hookSeconds, runOut);
  }

  function leaving(instance: FakeInstance, why: "terminated" | "lost"): void {
    const agent = agents.get(instance.id);
    if (why === "terminated" && agent?.state === "busy") violated(`${instance.id} was ended while busy`);
    if (agent) loseAgent(agent);
  }

  function loseAgent(agent: WorldAgent): void {
    const { job } = agent;
    Object.assign(agent, { state: "gone", job: undefined });
    agents.delete(agent.instance.id);
    if (job) world.queueJob(job.seconds);
  }

  function everyMinute(): void {
    clock.after(60, () => {
      const { inService } = life;
      const [reclaimed, refreshed] = [0, 1].map(() => inService[Math.floor(random() * inService.length)]);
      if (reclaimed && chance(world.trouble.reclaims)) life.lose(reclaimed, "Server.SpotInstanceTermination");
      if (refreshed && chance(world.trouble.refreshes)) life.replace(refreshed);
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
    const instance = aws.instances.get(String(call.input.InstanceId));
    if (call.operation.startsWith("Terminate") && instance?.state === "running") {
      violated(`the loop ended ${instance.id}, which lives`);
    }
    return aws.perform(call);
  }

  function vendor(): Vendor {
    const down = () => new VendorApiError("unavailable", "down");
    const foreign: VendorAgent[] = (["idle", "busy", "draining"] as const).map((state) => ({
      id: `worker-${state}`,
      name: `i-foreign-${state}`,
      state,
    }));
    const listNow = () =>
      [...agents.values()].flatMap(({ instance: { id }, state, locked, listed }): VendorAgent[] => {
        if (state === "unregistered" || state === "gone") return [];
        return [{ id: `worker-${id}`, name: listed ? id : `worker-${id}`, state: locked ? "draining" : state }];
      });
    return {
      readDemand: () =>
        overTheWire(() => {
          const running = [...agents.values()].filter(({ state }) => state === "busy").length;
          return { queued: queue.length, running, oldestQueuedAt: queue[0]?.queuedAt };
        }, down),
      listAgents: () =>
        overTheWire(() => {
          if (settings.departure === "by-itself") return undefined;
          lists.push({ at: clock.seconds, agents: listNow() });
          while ((lists[1]?.at ?? clock.seconds) <= clock.seconds - 60) lists.shift();
          const shown = chance(world.trouble.staleList) ? lists[0] : lists.at(-1);
          return chance(world.trouble.otherPool) ? foreign : [...foreign, ...(shown?.agents ?? [])];
        }, down),
      removeAgent: async (id) => violated(`the record ${id} was removed`),
    };
  }

  function retirements(): Retirements {
    const down = () => new Error("states are down");
    return {
      running: () => overTheWire(() => workflow.running(), down),
      start: ({ name }, reason) =>
        overTheWire(() => {
          if (name.startsWith("i-foreign")) violated(`${name} was to be retired`);
          return workflow.start(name, reason);
        }, down),
    };
  }
}
