import { ifKnown } from "../part.ts";
import { clockTime, counted, duration } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

type Pool = View["pools"][number];

/** Agents that do not work here, agents that are not ours, and jobs that wait although nothing fails. */
export function agentFindings(view: View): readonly Finding[] {
  return [
    ...view.pools.flatMap((pool) => [
      ...unseenIn(view, pool),
      ...foreignIn(pool),
      ...fullIn(view, pool),
      ...unmatchedIn(pool),
    ]),
    ...strangers(view),
  ];
}

function unseenIn({ picture, name }: View, { poolName, last }: Pool): Finding[] {
  if (last === undefined || last.unseen.length === 0) return [];
  const missing = ifKnown(picture.state)?.memories.get(poolName)?.missingSince;
  const machines = (ifKnown(picture.capacities) ?? []).find((pool) => pool.poolName === poolName)?.machines ?? [];
  const unseen = last.unseen.map((agent) => ({ agent, machine: machines.find((each) => each.name === agent) }));
  return [
    {
      id: "agents-unseen",
      severity: "error",
      what: `${counted(unseen.length, "agent runs", "agents run")} that the vendor does not list in the pool (${poolName}).`,
      evidence: unseen.slice(0, 5).map(({ agent, machine }) => {
        const since = missing?.get(agent);
        const gone = since ? `missing from the vendor's list since ${clockTime(since)}` : "never in the vendor's list";
        return `${agent}: ${gone}${machine?.where ? `, on ${machine.where}` : ""}`;
      }),
      todo:
        `Look for them in all pools of the vendor. The agents' token may be of another pool: fleet secret set ${name} <name>. ` +
        "They may hold jobs, so nothing stops them: the runbook says how to.",
      section: "agents-unseen",
      machines: unseen.flatMap(({ machine }) => (machine ? { id: machine.id, poolName } : [])),
    },
  ];
}

/** Somebody who comes for one look is no finding. */
function foreignIn({ poolName, decisions }: Pool): Finding[] {
  const counts = decisions.flatMap(({ foreign }) => foreign ?? []);
  const fewest = Math.min(...counts);
  if (counts.length < 2 || fewest === 0) return [];
  return [
    {
      id: "foreign-agents",
      severity: "warning",
      what: "The vendor's pool has agents that are not this fleet's, or that nobody can place.",
      evidence: [`${poolName}: ${fewest} or more in each of the last ${counts.length} looks of the loop`],
      todo: "Give each fleet a pool of its own. Foreign agents take jobs, and the fleet neither counts nor touches them.",
    },
  ];
}

/** Whether jobs wait because no more agents are allowed. */
export function waitsAtCeiling(last: Pool["last"]): boolean {
  return last !== undefined && last.queued > 0 && last.atCeiling;
}

/** Jobs wait for room. */
function fullIn({ picture, name }: View, { poolName, last }: Pool): Finding[] {
  if (last === undefined || last.queued === 0 || isDrained(picture, poolName)) return [];
  const evidence = [`${poolName}: ${last.queued} queued; ${last.reason}`];
  if (/no room under max/.test(last.reason)) {
    const what = "Agents that leave or are not seen fill the fleet up to agents.max, so waiting jobs get none.";
    const todo = `See which: fleet status ${name}. Mend what is said of unseen agents and retirements, or raise agents.max.`;
    return [{ id: "no-room", severity: "error", what, evidence, todo, section: "queue-wait" }];
  }
  if (!waitsAtCeiling(last)) return [];
  const lowered = limitsOf(picture, poolName);
  if (lowered) {
    const what = "Jobs wait because the fleet is at a ceiling that an operator lowered for a while.";
    const clear = `fleet limits ${name}${lowered.pool ? ` --pool ${lowered.pool}` : ""} --clear`;
    const todo = `It ends at ${lowered.until.toISOString()}. To end it now: ${clear}`;
    return [{ id: "at-ceiling", severity: "warning", what, evidence, todo, section: "at-ceiling" }];
  }
  const what = "Jobs wait because the fleet is at agents.max.";
  const todo = "Raise agents.max if the money is there, and the licence and quotas allow it.";
  return [{ id: "at-ceiling", severity: "warning", what, evidence, todo, section: "at-ceiling" }];
}

function isDrained({ pools }: View["picture"], poolName: string): boolean {
  const found = pools.find((pool) => pool.poolName === poolName);
  return (found && ifKnown(found.inForce))?.drain !== undefined;
}

/** The limits of an operator that keep a pool below its agents.max. */
function limitsOf({ pools }: View["picture"], poolName: string) {
  const found = pools.find((pool) => pool.poolName === poolName);
  const { pool, limits, inForce, stack } = (found && ifKnown(found.inForce)) ?? {};
  return limits && inForce && stack && inForce.max < stack.max ? { pool, until: limits.until } : undefined;
}

function unmatchedIn({ poolName, last }: Pool): Finding[] {
  if (!last?.unmatched) return [];
  const { jobs, demands } = last.unmatched;
  return [
    {
      id: "jobs-unmatched",
      severity: "warning",
      what: `${counted(jobs, "job demands", "jobs demand")} what no agent of the fleet offers.`,
      evidence: [`${poolName}: ${demands.join(", ")}`],
      todo: "If the image has it, add it to vendor.capabilities and deploy. Else the pipeline asks the wrong pool.",
      section: "jobs-unmatched",
    },
  ];
}

function strangers({ picture }: View): Finding[] {
  return (ifKnown(picture.capacities) ?? []).flatMap(({ poolName, strangers: found }): Finding[] => {
    if (found.length === 0) return [];
    const what =
      "Tasks or instances of the fleet run that the loop does not manage: by hand, on standby or without a name.";
    const todo = "If nobody needs them, stop them. A destroy of the fleet refuses while they are there.";
    return [
      { id: "machines-of-others", severity: "warning", what, evidence: found.map((id) => `${poolName}: ${id}`), todo },
    ];
  });
}

/** Jobs wait for long, and nothing else explains it. */
export function unexplainedWait({ picture, pools, name }: View, isExplained: boolean): readonly Finding[] {
  const limit = picture.stack.config.alarms.queueWaitSeconds;
  const waits = pools.flatMap(({ poolName, last }) => {
    const waited = ifKnown(picture.log)?.oldestQueuedSeconds.get(poolName);
    return last && last.queued > 0 && waited !== undefined && waited > limit ? [{ poolName, last, waited }] : [];
  });
  if (isExplained || waits.length === 0) return [];
  return [
    {
      id: "slow-start",
      severity: "warning",
      what: `A job has waited for more than ${duration(limit)}, and nothing fails.`,
      evidence: waits.map(({ poolName, last, waited }) => `${poolName}: ${duration(waited)}; ${last.reason}`),
      todo: `Agents may start slowly: fleet logs ${name} --boot shows how long each step takes.`,
      section: "queue-wait",
    },
  ];
}
