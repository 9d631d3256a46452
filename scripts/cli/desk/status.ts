import { costOf } from "./cost.ts";
import { inForceOf } from "./in-force.ts";
import type { DecisionLine } from "./log-lines.ts";
import type { Capacity, Machine } from "./machines.ts";
import { ifKnown, mapPart, type Part } from "./part.ts";
import type { FleetPicture } from "./picture.ts";
import { secondsBetween } from "./words.ts";

/** A loop that has not decided for so long does not work: the schedule calls it every minute. */
export const lateSeconds = 120;

/** How many decisions of each pool are shown. */
const shownDecisions = 3;

/** The status of a fleet, as `--json` prints it. Times are in ISO 8601, UTC. `null`: not known, or there is none. */
export type Status = ReturnType<typeof statusOf>;

/** The picture in the words of an operator. @param price dollars per agent-hour, from the user */
export function statusOf(picture: FleetPicture, price?: number) {
  const { stack, at } = picture;
  const capacities = ifKnown(picture.capacities) ?? [];
  const pools = poolsOf(picture).map((name) => poolStatus(picture, name));
  const newest = pools.map(({ decided_seconds_ago: age }) => age ?? Number.POSITIVE_INFINITY);
  return {
    stack: stack.name,
    kind: stack.config.kind,
    vendor: stack.config.vendor.type,
    region: stack.config.region,
    at: at.toISOString(),
    /** Whether some pool has had no decision for {@link lateSeconds}, as far as the log can be read. */
    loop_late: picture.log.known && newest.some((age) => age > lateSeconds),
    pools,
    agents: capacities.flatMap((capacity) => agentsOf(picture, capacity)),
    retirements: retirementsOf(picture),
    alarms: alarmsOf(picture),
    secrets: picture.secrets.map(({ text: _, id: __, region: ___, ...row }) => row),
    images: (ifKnown(picture.images) ?? []).map(({ poolName, name, builtAt, why }) => ({
      pool: poolName,
      image: name,
      age_seconds: secondsBetween(builtAt, at),
      age_unknown_because: why ?? null,
    })),
    cost: costStatus(picture, price),
    /** The parts that could not be read. Nothing above says anything about them. */
    unread: unreadOf(picture),
  };
}

/** The parts of a picture that could not be read, and why. */
export function unreadOf(picture: FleetPicture): readonly { readonly part: string; readonly why: string }[] {
  const parts: Readonly<Record<string, Part<unknown>>> = {
    "the loop's settings": picture.deployed,
    "the loop's concurrency": picture.concurrency,
    "the schedule": picture.schedule,
    "the loop's state": picture.state,
    "the loop's log": picture.log,
    "tasks or instances": picture.capacities,
    retirements: picture.retirements,
    alarms: picture.alarms,
    "receivers of alarms": picture.subscriptions,
    images: picture.images,
    "the webhook's log": picture.webhook,
  };
  const gaps = Object.entries(parts).flatMap(([part, read]) => (read.known ? [] : [{ part, why: read.why }]));
  const secrets = picture.secrets.flatMap(({ secret, error }) =>
    error === null ? [] : [{ part: `the secret ${secret}`, why: error }],
  );
  return [...gaps, ...secrets];
}

/** The names of the pools, as the deployed loop has them; as a last resort, those of the config. */
export function poolsOf({ deployed, stack }: FleetPicture): readonly string[] {
  if (deployed.known) return deployed.value.pools.map(({ poolName }) => poolName);
  const { name, config } = stack;
  const pools = config.kind === "ecs-fleet" ? config.pools : undefined;
  return pools?.map(({ key }) => `${name}.${key}`) ?? [name];
}

/** The decisions of a pool, newest first. */
export function decisionsOf({ log }: FleetPicture, poolName: string): readonly DecisionLine[] {
  return ifKnown(log)?.decisions.get(poolName) ?? [];
}

function poolStatus(picture: FleetPicture, pool: string) {
  const { at } = picture;
  const decisions = decisionsOf(picture, pool);
  const [last] = decisions;
  const inForce = ifKnown(mapPart(picture.deployed, inForceOf));
  const limits = inForce?.find(({ poolName }) => poolName === pool);
  const memory = ifKnown(picture.state)?.memories.get(pool);
  const waited = ifKnown(picture.log)?.oldestQueuedSeconds.get(pool);
  return {
    pool,
    decided_at: last?.at.toISOString() ?? null,
    decided_seconds_ago: secondsBetween(last?.at, at),
    queued: last?.queued ?? null,
    /** At the last decision. */
    oldest_queued_seconds: last && last.queued > 0 ? (waited === undefined ? null : Math.round(waited)) : null,
    running: last?.running ?? null,
    at_least: last?.demandPartial ?? false,
    unmatched: last?.unmatched ?? null,
    wanted: last?.wanted ?? null,
    supply: last?.supply ?? null,
    min: limits?.min ?? null,
    max: limits?.max ?? null,
    held_because: limits?.held ?? null,
    agents: last ? Object.fromEntries(Object.entries(last.agents).filter(([, count]) => count > 0)) : null,
    foreign_agents: last?.foreign ?? null,
    circuit: memory ? (memory.circuit.openSince ? "open" : "closed") : null,
    circuit_open_since: memory?.circuit.openSince?.toISOString() ?? null,
    decisions: decisions.slice(0, shownDecisions).map((decision) => ({
      at: decision.at.toISOString(),
      action: decision.action,
      reason: decision.reason,
    })),
  };
}

function agentsOf(picture: FleetPicture, { poolName, machines }: Capacity) {
  const [last] = decisionsOf(picture, poolName);
  const stateOf = new Map(
    Object.entries(last?.states ?? {}).flatMap(([state, names]) => names.map((name) => [name, state] as const)),
  );
  const missing = ifKnown(picture.state)?.memories.get(poolName)?.missingSince;
  return machines.map((machine) => ({
    agent: machine.name,
    pool: poolName,
    /** As of the pool's last decision. `new`: launched since. `unknown`: no decision says. */
    state: stateOf.get(machine.name) ?? unseenByLoop(machine, last),
    age_seconds: secondsBetween(machine.launchedAt, picture.at),
    missing_seconds: secondsBetween(missing?.get(machine.name), picture.at),
    machine: machine.id,
    aws_phase: machine.phase,
    where: machine.where || null,
    type: machine.type ?? null,
  }));
}

function unseenByLoop({ launchedAt, phase }: Machine, last: DecisionLine | undefined): string {
  if (last?.states === undefined) return "unknown";
  if (phase === "stopping" || phase === "held") return "leaving";
  return launchedAt !== undefined && launchedAt >= last.at ? "new" : "unknown";
}

function retirementsOf({ retirements, at }: FleetPicture) {
  const found = ifKnown(retirements);
  return (found?.running ?? []).map((each) => ({
    agent: each.agent,
    reason: each.reason,
    for_seconds: secondsBetween(each.since, at),
    deadline: each.deadline?.toISOString() ?? null,
    state: each.state,
    failing: each.failing,
    waits_because: each.waitsFor,
    execution: each.execution,
  }));
}

function alarmsOf({ alarms, at }: FleetPicture) {
  const all = ifKnown(alarms);
  if (all === undefined) return null;
  return {
    total: all.length,
    on: all
      .filter(({ state }) => state === "ALARM")
      .map(({ name, since, reason, section }) => ({ name, for_seconds: secondsBetween(since, at), reason, section })),
    without_data: all.filter(({ state }) => state === "INSUFFICIENT_DATA").map(({ name }) => name),
  };
}

function costStatus(picture: FleetPicture, price: number | undefined) {
  const capacities = ifKnown(picture.capacities);
  const alarms = ifKnown(picture.alarms);
  const log = ifKnown(picture.log);
  if (capacities === undefined || alarms === undefined || log === undefined) return null;
  const metrics = [...log.metrics.values()].reduce((sum, count) => sum + count, 0);
  const secrets = picture.secrets.filter(({ exists, id }) => exists && !id.includes(":ssm:")).length;
  const cost = costOf(picture.stack.config, { capacities, alarms: alarms.length, metrics, secrets }, price);
  return {
    running_agents: cost.runningAgents,
    agents_per_hour: rounded(cost.agentsPerHour),
    fixed_per_hour: rounded(cost.fixedPerHour),
    per_hour: rounded(cost.perHour),
    per_month: rounded(cost.perMonth),
    fixed: cost.fixed.map(({ part, count, perMonth }) => ({ part, count, per_month: rounded(perMonth) })),
    source: cost.source,
    not_counted: "requests, logs, storage and traffic",
  };
}

/** To a hundredth of a cent. */
function rounded(amount: number | undefined): number | null {
  return amount === undefined ? null : Math.round(amount * 10_000) / 10_000;
}
