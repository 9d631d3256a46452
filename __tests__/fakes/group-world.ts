import { VendorApiError } from "../../handlers/lib/core/errors.ts";
import type { AgentReference, Retirements, Vendor, VendorAgent } from "../../handlers/lib/core/ports.ts";
import type { RetirementReason } from "../../handlers/lib/core/retirement.ts";
import type { BootTimes } from "../../stacks/constructs/instances/boot-times.ts";
import { type AsgCall, asgClientsOver, createAsgFake, type FakeInstance } from "./asg.ts";
import { startAsgLife } from "./asg-life.ts";
import type { EventClock } from "./event-clock.ts";
import { createWire } from "./wire.ts";

/** The settings of a world. Times in seconds. */
export interface GroupWorldSettings {
  readonly min: number;
  readonly max: number;
  /**
   * `by-retirement`: the vendor shows its agents and drains them. `by-itself`: it shows jobs only, and its agents leave
   * by themselves.
   */
  readonly departure: "by-retirement" | "by-itself";
  readonly singleUse: boolean;
  readonly idleTimeoutSeconds: number;
  /** When hosts power themselves off; see `power_off` in agents/ec2/life.sh. */
  readonly boots: BootTimes;
}

/** Faults, and how often they happen: chances from 0 to 1. */
export interface GroupTrouble {
  readonly callFails: number;
  readonly noCapacity: number;
  readonly bootFails: number;
  readonly agentIsLate: number;
  /** Per minute: AWS takes an instance back (`reclaims`), or replaces one once it is idle (`refreshes`). */
  readonly reclaims: number;
  readonly refreshes: number;
  readonly workflowDies: number;
}

export const calm: GroupTrouble = {
  callFails: 0,
  noCapacity: 0,
  bootFails: 0,
  agentIsLate: 0,
  reclaims: 0,
  refreshes: 0,
  workflowDies: 0,
};

interface Job {
  readonly queuedAt: Date;
  readonly seconds: number;
}

interface WorldAgent {
  readonly instance: FakeInstance;
  state: "unregistered" | "idle" | "busy" | "gone";
  locked: boolean;
  /** Whether the vendor's list has shown it to a caller. */
  shown: boolean;
  jobsTaken: number;
  job?: Job | undefined;
}

/**
 * Jobs, agents and a group's instances that live by themselves on virtual time, with a retirement workflow that follows
 * the rules of the real one. `violations` lists events that must never happen.
 */
export function createGroupWorld(clock: EventClock, random: () => number, settings: GroupWorldSettings) {
  const aws = createAsgFake(clock, settings);
  aws.group.desired = settings.min;
  const agents = new Map<string, WorldAgent>();
  const queue: Job[] = [];
  const violations: string[] = [];
  const underWay = new Set<string>();
  const executions = new Set<string>();
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + random() * (high - low);
  const overTheWire = createWire(clock, random, 500, () => world.trouble.callFails);

  const world = {
    trouble: calm,
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
    connect: () =>
      asgClientsOver((call) =>
        overTheWire(
          () => perform(call),
          () => new Error("socket hang up"),
        ),
      ),
    vendor: vendor(),
    retirements: retirements(),
  };

  const life = startAsgLife(aws, {
    clock,
    random,
    noCapacity: () => world.trouble.noCapacity,
    onLaunched(instance) {
      agents.set(instance.id, { instance, state: "unregistered", locked: false, shown: false, jobsTaken: 0 });
    },
    onInService: boot,
    onLeaving: leaving,
    onViolation: violated,
  });
  everyMinute();
  return world;

  function boot(instance: FakeInstance): void {
    const agent = agents.get(instance.id);
    const fails = chance(world.trouble.bootFails);
    clock.after(chance(world.trouble.agentIsLate) ? between(100, 400) : between(15, 70), () => {
      if (!agent || instance.state !== "running" || agent.state === "gone") return;
      if (fails) powerOff(instance, roleOf(instance) === "burst" ? 0 : settings.boots.earliestPowerOffSeconds);
      else if (settings.departure === "by-itself" && !roleOf(instance)) clock.after(45, () => becomeIdle(agent));
      else becomeIdle(agent);
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
    if (agent.state === "gone" || agent.instance.state !== "running") return;
    agent.state = "idle";
    lookForWork(agent);
    const { jobsTaken } = agent;
    if (settings.departure === "by-retirement" || roleOf(agent.instance) === "floor") return;
    clock.after(settings.idleTimeoutSeconds, () => {
      if (agent.state === "idle" && agent.jobsTaken === jobsTaken) leaveByItself(agent);
    });
  }

  /** Its shutdown hook sends a message to the release queue. If nothing follows, the instance powers off. */
  function leaveByItself(agent: WorldAgent): void {
    agent.state = "gone";
    const { instance } = agent;
    if (chance(world.trouble.workflowDies)) powerOff(instance, settings.boots.bootSeconds);
    else {
      clock.after(between(2, 10), () => {
        if (instance.lifecycle === "InService")
          life.terminate(instance, queue.length === 0 && aws.group.desired > settings.min);
      });
    }
  }

  function powerOff(instance: FakeInstance, earliest: number): void {
    const uptime = (clock.now().getTime() - instance.launchTime.getTime()) / 1000;
    clock.after(Math.max(60, earliest - uptime), () => life.lose(instance, "Client.InstanceInitiatedShutdown"));
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
      if (refreshed && chance(world.trouble.refreshes)) replace(refreshed);
      everyMinute();
    });
  }

  function replace(instance: FakeInstance): void {
    const agent = agents.get(instance.id);
    if (!agent) return;
    agent.locked = true;
    life.replace(instance, () => agent.state !== "busy");
  }

  function violated(what: string): void {
    violations.push(`${what} at ${clock.seconds} s`);
  }

  function roleOf({ tags }: FakeInstance): string | undefined {
    return tags.get("AgentFleetsRole");
  }

  /** The loop's own calls to AWS. They must not end an agent that the vendor has shown. */
  function perform(call: AsgCall): object {
    const agent = agents.get(String(call.input.InstanceId));
    if (call.operation.startsWith("Terminate") && agent?.shown && agent.state !== "gone") {
      violated(`the loop ended ${agent.instance.id}, ${agent.state},`);
    }
    const answer = aws.perform(call);
    const last = aws.resizes.at(-1);
    if (last && last.to <= last.from) violated(`desired went from ${last.from} to ${last.to}`);
    return answer;
  }

  function vendor(): Vendor {
    const down = () => new VendorApiError("unavailable", "down");
    const foreign: VendorAgent[] = (["idle", "busy", "draining"] as const).map((state) => ({
      id: `worker-${state}`,
      name: `i-foreign-${state}`,
      state,
    }));
    return {
      readDemand: () =>
        overTheWire(() => {
          const running = [...agents.values()].filter(({ state }) => state === "busy").length;
          return { queued: queue.length, running, oldestQueuedAt: queue[0]?.queuedAt };
        }, down),
      listAgents: () =>
        overTheWire(() => {
          if (settings.departure === "by-itself") return undefined;
          const ours = [...agents.values()].flatMap((agent): VendorAgent[] => {
            if (agent.state === "unregistered" || agent.state === "gone") return [];
            agent.shown = true;
            const { id } = agent.instance;
            return [{ id: `worker-${id}`, name: id, state: agent.locked ? "draining" : agent.state }];
          });
          return [...foreign, ...ours];
        }, down),
      removeAgent: async (id) => violated(`the record ${id} was removed`),
    };
  }

  function retirements(): Retirements {
    return {
      running: () =>
        overTheWire(
          () => new Set(underWay),
          () => new Error("states are down"),
        ),
      start: (agent, reason) =>
        overTheWire(
          () => startWorkflow(agent, reason),
          () => new Error("states are down"),
        ),
    };
  }

  /** Drains and asks. Ends an idle agent with decrement, and lets a busy one go on. May die halfway. */
  function startWorkflow({ name }: AgentReference, reason: RetirementReason): void {
    const execution = `${name}.${reason}.${Math.floor(clock.seconds / 600)}`;
    const agent = agents.get(name);
    if (name.startsWith("i-foreign")) violated(`${name} was to be retired`);
    if (executions.has(execution)) return;
    executions.add(execution);
    underWay.add(name);
    const dies = chance(world.trouble.workflowDies);
    clock.after(between(1, 8), () => {
      if (agent) agent.locked = true;
      const idle = agent?.state === "idle";
      clock.after(between(0.5, 3), () => {
        underWay.delete(name);
        if (dies && agent && idle && reason === "dismissed") {
          agent.state = "gone";
          powerOff(agent.instance, settings.boots.bootSeconds);
        }
        if (dies || !agent || agent.instance.lifecycle !== "InService") return;
        const decrement = aws.group.desired > settings.min;
        // An agent that was told to leave cannot be kept. It goes now, or after its job with the next retirement.
        if (idle && (decrement || reason === "dismissed")) return life.terminate(agent.instance, decrement);
        if (reason === "dismissed") return;
        agent.locked = false;
        lookForWork(agent);
      });
    });
  }
}
