import { pauseReason } from "../../../handlers/lib/core/overrides.ts";
import { type Line, linesAsJson } from "../cost/line.ts";
import type { PoolInForce } from "../lib/in-force.ts";
import { costOf } from "./cost.ts";
import type { DecisionLine } from "./log-lines.ts";
import type { Capacity, Machine } from "./machines.ts";
import { ifKnown, type Part } from "./part.ts";
import type { FleetPicture } from "./picture.ts";
import type { DeskPool } from "./pools.ts";
import { secondsBetween } from "./words.ts";

/** A loop that has not decided for so long does not work: the schedule calls it every minute. */
export const lateSeconds = 120;

/** What holds a pool without an operator's pause. */
export const switchedOff = "scaling.enabled is false in the deployed config";

/** How many decisions of each pool are shown. */
const shownDecisions = 3;

/** The status of a fleet, as `--json` prints it. Times are in ISO 8601, UTC. `null`: not known, or there is none. */
export type Status = ReturnType<typeof statusOf>;

/**
 * The picture in the words of an operator.
 *
 * @param fixed see `readFixedParts`
 * @param price dollars per agent-hour, from the user
 */
export function statusOf(picture: FleetPicture, fixed: Part<readonly Line[]>, price?: number) {
  const { stack, at } = picture;
  const capacities = ifKnown(picture.capacities) ?? [];
  const pools = picture.pools.map((pool) => poolStatus(picture, pool));
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
    drain: drainOf(picture),
    retirements: retirementsOf(picture),
    alarms: alarmsOf(picture),
    secrets: picture.secrets.map(({ text: _, id: __, region: ___, ...row }) => row),
    images: (ifKnown(picture.images) ?? []).map(({ poolName, name, builtAt, why }) => ({
      pool: poolName,
      image: name,
      age_seconds: secondsBetween(builtAt, at),
      age_unknown_because: why ?? null,
    })),
    cost: costStatus(picture, fixed, price),
    /** The parts that could not be read. Nothing above says anything about them. */
    unread: [
      ...unreadOf(picture).map(({ part, why }) => ({ part, why })),
      ...(fixed.known ? [] : [{ part: "the fixed parts of the cost", why: fixed.why }]),
      ...unusablePools(picture).map(({ poolName, why }) => ({ part: `the settings of ${poolName}`, why })),
      ...unusableOverrides(picture).map(({ row, trouble }) => ({ part: `the row "${row}"`, why: trouble })),
    ],
  };
}

/** The parts of a picture that could not be read, and why. */
export function unreadOf(
  picture: FleetPicture,
): readonly { readonly part: string; readonly why: string; readonly todo?: string | undefined }[] {
  const parts: Readonly<Record<string, Part<unknown>>> = {
    "the loop's settings": picture.deployed,
    "the pools' settings": picture.settings,
    "the loop's concurrency": picture.concurrency,
    "the schedule": picture.schedule,
    "the loop's state": picture.state,
    "the loop's queues": picture.queues,
    "the loop's log": picture.log,
    "tasks or instances": picture.capacities,
    "the drain": picture.drain,
    retirements: picture.retirements,
    alarms: picture.alarms,
    "receivers of alarms": picture.subscriptions,
    images: picture.images,
    "the webhook's log": picture.webhook,
  };
  const gaps = Object.entries(parts).flatMap(([part, read]) =>
    read.known ? [] : [{ part, why: read.why, todo: read.todo }],
  );
  const secrets = picture.secrets.flatMap(({ secret, error }) =>
    error === null ? [] : [{ part: `the secret ${secret}`, why: error }],
  );
  return [...gaps, ...secrets];
}

/** The pools whose rows are missing or bad, and why. The loop fails for them. */
export function unusablePools({ settings, pools }: FleetPicture): readonly { poolName: string; why: string }[] {
  if (!settings.known) return [];
  return pools.flatMap(({ poolName, inForce }) => (inForce.known ? [] : [{ poolName, why: inForce.why }]));
}

/** The rows of operators that count for nothing, and why. */
export function unusableOverrides({ settings }: FleetPicture): readonly { row: string; trouble: string }[] {
  const found = ifKnown(settings);
  return found?.trouble.filter(({ row }) => found.overrides.has(row)) ?? [];
}

/** The decisions of a pool, newest first. */
export function decisionsOf({ log }: FleetPicture, poolName: string): readonly DecisionLine[] {
  return ifKnown(log)?.decisions.get(poolName) ?? [];
}

function poolStatus(picture: FleetPicture, { poolName: pool, inForce: row }: DeskPool) {
  const { at } = picture;
  const decisions = decisionsOf(picture, pool);
  const [last] = decisions;
  const found = ifKnown(row);
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
    /** In force now, by schedule and limits. */
    min: found?.inForce.min ?? null,
    max: found?.inForce.max ?? null,
    buffer: found?.inForce.buffer ?? null,
    /** Limits that an operator has set for a while end then. */
    limits_until: found?.limits?.until.toISOString() ?? null,
    /** What the stack was deployed with, without its schedule. */
    stack: found?.stack ?? null,
    held_because: (found && heldBecause(found)) ?? null,
    paused: found?.pause
      ? { until: found.pause.until?.toISOString() ?? null, reason: found.pause.reason ?? null }
      : null,
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

/** Why the loop launches and retires nothing in a pool. `undefined`: it acts. */
function heldBecause({ settings: { policy }, pause }: PoolInForce): string | undefined {
  if (!policy.enabled) return switchedOff;
  return pause && pauseReason(pause);
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

function drainOf({ drain }: FleetPicture) {
  const found = ifKnown(drain);
  if (found === undefined) return null;
  const { left, loopKnows, loopLateSince } = found.look;
  return {
    pools: found.pools.map(({ poolName, since }) => ({ pool: poolName, since: since.toISOString() })),
    of_all_pools: found.ofAll,
    /** Whether the loop has looked at each of these pools since. Until then it may launch agents. */
    loop_knows: loopKnows,
    loop_late_since: loopLateSince?.toISOString() ?? null,
    left,
  };
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

function costStatus(picture: FleetPicture, fixed: Part<readonly Line[]>, price: number | undefined) {
  const isBlind = picture.pools.some(({ inForce }) => !inForce.known);
  const capacities = isBlind ? undefined : ifKnown(picture.capacities);
  const cost = costOf(picture.stack.config, capacities, ifKnown(fixed), price);
  return {
    running_agents: cost.runningAgents ?? null,
    agents_per_hour: rounded(cost.agentsPerHour),
    fixed_per_month: rounded(cost.fixedPerMonth),
    per_hour: rounded(cost.perHour),
    per_month: rounded(cost.perMonth),
    fixed: cost.fixed === undefined ? null : linesAsJson(cost.fixed),
    source: cost.source,
    not_counted: "requests, logs, storage and traffic",
  };
}

/** To a hundredth of a cent. */
function rounded(amount: number | undefined): number | null {
  return amount === undefined ? null : Math.round(amount * 10_000) / 10_000;
}
