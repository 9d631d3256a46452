import { type AgentPrice, functionCost } from "../prices/compute.ts";
import type { RunResult } from "./run.ts";

/** The figures of one policy as reports show them. Waits in seconds, cost in US dollars. */
export interface PolicyReport {
  readonly policy: string;
  readonly jobs: number;
  readonly served: number;
  readonly never_served: number;
  readonly killed: number;
  readonly lost: number;
  readonly wait_seconds: RunResult["wait"];
  readonly agent_hours: RunResult["hours"];
  readonly launches: number;
  /** Those that start, idle or work. */
  readonly peak_agents: number;
  /** With those that still end. */
  readonly peak_machines: number;
  readonly calls_per_hour: { readonly vendor: number; readonly aws: number };
  readonly functions: {
    readonly invocations: number;
    readonly failed: number;
    readonly seconds: number;
    readonly seconds_per_day: number;
  };
  /** `null`: the price of an agent is not known. */
  readonly cost: { readonly agents: number | null; readonly functions: number; readonly total: number | null };
}

/** What a run came to, with its cost. @param prices of an agent of each pool */
export function reportOf(result: RunResult, prices: readonly AgentPrice[]): PolicyReport {
  const { hours, functions, days, calls, machineHours } = result;
  const agents = machineHours.reduce<number | null>((sum, ofPool, pool) => {
    const perHour = prices[pool]?.perHour;
    return sum === null || perHour === undefined ? null : sum + ofPool * perHour;
  }, 0);
  const ofFunctions = functionCost(functions);
  return {
    policy: result.policy,
    jobs: result.jobs,
    served: result.served,
    never_served: result.neverServed,
    killed: result.killed,
    lost: result.lost,
    wait_seconds: result.wait,
    agent_hours: hours,
    launches: result.launches,
    peak_agents: result.peak,
    peak_machines: result.peakMachines,
    calls_per_hour: { vendor: calls.vendor / days / 24, aws: calls.aws / days / 24 },
    functions: {
      invocations: functions.invocations,
      failed: functions.failures,
      seconds: functions.seconds,
      seconds_per_day: functions.seconds / days,
    },
    cost: { agents, functions: ofFunctions, total: agents === null ? null : agents + ofFunctions },
  };
}

type Column = readonly [head: string, value: (report: PolicyReport) => string];

const whole = (value: number) => value.toFixed(0);
const hours = (value: number) => value.toFixed(value < 100 ? 1 : 0);
const dollars = (value: number | null) => (value === null ? "?" : value.toFixed(2));

const policy: Column = ["policy", ({ policy: name }) => name];

/** Each table: how jobs fared, and what it took. */
export const tables: readonly (readonly Column[])[] = [
  [
    policy,
    ["wait p50 s", ({ wait_seconds: { p50 } }) => whole(p50)],
    ["p95", ({ wait_seconds: { p95 } }) => whole(p95)],
    ["p99", ({ wait_seconds: { p99 } }) => whole(p99)],
    ["max", ({ wait_seconds: { max } }) => whole(max)],
    ["killed", ({ killed }) => whole(killed)],
    ["lost", ({ lost }) => whole(lost)],
    ["never served", ({ never_served: count }) => whole(count)],
    ["launches", ({ launches }) => whole(launches)],
    ["peak", ({ peak_agents: peak }) => whole(peak)],
  ],
  [
    policy,
    ["boot h", ({ agent_hours: { boot } }) => hours(boot)],
    ["idle h", ({ agent_hours: { idle } }) => hours(idle)],
    ["busy h", ({ agent_hours: { busy } }) => hours(busy)],
    ["vendor calls/h", ({ calls_per_hour: { vendor } }) => whole(vendor)],
    ["AWS calls/h", ({ calls_per_hour: { aws } }) => whole(aws)],
    ["function s/day", ({ functions }) => whole(functions.seconds_per_day)],
    ["function $", ({ cost }) => dollars(cost.functions)],
    ["agents $", ({ cost }) => dollars(cost.agents)],
    ["total $", ({ cost }) => dollars(cost.total)],
  ],
];
