import type { DrainReport } from "../../../handlers/lib/core/drain-report.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";

/** What is known of a pool whose agents leave. */
export interface Leaving {
  readonly policy: Pick<Policy, "canRetire" | "singleUse">;
  /** Of the config; `undefined`: its agents have none. */
  readonly idleTimeoutSeconds?: number | undefined;
  readonly maxLifetimeSeconds?: number | undefined;
}

/** What is known of the agents of a pool. Those of instances have no times of their own. */
export function leavingOf(config: StackConfig, policy: Leaving["policy"]): Leaving {
  return { ...(config.kind === "ecs-fleet" ? config.agents : {}), policy };
}

/** What an agent waits for, and what a person can do about it, if anything. */
export interface Wait {
  readonly for: string;
  readonly advice?: string | undefined;
}

type ReportedAgent = DrainReport["agents"][number];

const runbook = (section: string) => `See docs/runbook.md, ${section}.`;

const always: Readonly<Record<string, Wait>> = {
  ordered: { for: "the loop, which takes the order back after six looks; nothing runs on it" },
  starting: { for: "its registration; then it leaves like the others" },
  retiring: { for: "the end of its job, if it has one: it takes no more, and goes" },
  failed: { for: "the loop, which takes the dead machine out" },
  unseen: {
    for: "a person: the vendor does not list it, which proves nothing, so nothing ends it",
    advice: `Look whether it works. ${runbook("agents-unseen")}`,
  },
};

const retired: Readonly<Record<string, Wait>> = {
  idle: { for: "the loop, which begins its retirement" },
  unclear: { for: "the loop, which begins its retirement, and that asks whether it works" },
  busy: { for: "its job; then it goes" },
  offline: {
    for: "proof that it does not work: the vendor lists it as not connected",
    advice: `If its machine hangs: ${runbook("retirements-timed-out")}`,
  },
};

/** Why an agent of a drained pool is still there. @param agent `undefined`: the loop does not know the machine */
export function waitOf(agent: ReportedAgent | undefined, pool: Leaving): Wait {
  if (agent === undefined) {
    return {
      for: "a person: the loop does not count it among its agents, so it never ends it",
      advice: "It may be on standby, or somebody else has started it. Look at it in AWS.",
    };
  }
  const own = pool.policy.canRetire ? retired : byItself(agent, pool);
  return own[agent.state] ?? always[agent.state] ?? { for: `the loop, which calls it ${agent.state}` };
}

function byItself(agent: ReportedAgent, pool: Leaving): Readonly<Record<string, Wait>> {
  const { singleUse } = pool.policy;
  const last = lastTime(agent, pool);
  const idle = idleWait(agent, pool, last);
  return {
    idle,
    unclear: { ...idle, for: `the end of its job, if it has one; else ${idle.for}` },
    busy: { for: singleUse ? "its job; then it leaves" : `its job; then ${idle.for}` },
    offline: {
      for: `its own end: the vendor lists it as not connected${last ? `, and it leaves by ${last}` : ""}`,
      advice: "Look at its log. If its task hangs and has no job, stop the task.",
    },
  };
}

function idleWait(agent: ReportedAgent, { policy, idleTimeoutSeconds = 0 }: Leaving, last: string | undefined): Wait {
  if (agent.role === "burst" && idleTimeoutSeconds > 0) return { for: `its idle timeout of ${idleTimeoutSeconds} s` };
  const job = policy.singleUse ? "its next job, or " : "";
  return {
    for: `${job}the end of its lifetime${last ? ` at ${last}` : ""}: it has no idle timeout`,
    advice: `The vendor cannot lock it against jobs, so nothing ends it from outside. ${runbook("Taking a fleet down")}`,
  };
}

function lastTime({ launchedAt }: ReportedAgent, { maxLifetimeSeconds }: Leaving): string | undefined {
  return maxLifetimeSeconds === undefined
    ? undefined
    : new Date(launchedAt.getTime() + maxLifetimeSeconds * 1000).toISOString();
}
