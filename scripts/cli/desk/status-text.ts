import type { Status } from "./status.ts";
import { clockTime, counted, dollars, duration, inColumns, labelled } from "./words.ts";

type Pool = Status["pools"][number];

/** The status as a person reads it, in lines of at most `width` characters where words allow it. */
export function statusText(status: Status, width: number): string {
  const several = status.pools.length > 1;
  return [
    `${status.stack}  ${status.kind}, ${status.vendor}, ${status.region}  ${clockTime(new Date(status.at))} UTC`,
    ...alertsOf(status, width),
    ...status.pools.flatMap((pool) => ["", ...(several ? [`Pool ${pool.pool}`] : []), ...poolText(pool, width)]),
    "",
    ...fleetText(status, width),
    ...agentsText(status),
    ...retirementsText(status, width),
    ...drainLines(status, width),
    ...unreadText(status, width),
  ].join("\n");
}

/** The status in one line, for a log that has no terminal. */
export function statusLine(status: Status): string {
  const pools = status.pools.map((pool) => {
    const counts = Object.entries(pool.agents ?? {}).map(([state, count]) => `${count} ${state}`);
    const name = status.pools.length > 1 ? `${pool.pool}: ` : "";
    const decided =
      pool.decided_seconds_ago === null ? "no decision" : `decided ${duration(pool.decided_seconds_ago)} ago`;
    return `${name}${queueText(pool)}; ${counts.join(", ") || "no agents"}; wanted ${pool.wanted ?? "?"}; ${decided}`;
  });
  const alarms =
    status.alarms === null
      ? "alarms unknown"
      : status.alarms.total === 0
        ? "NO ALARMS EXIST"
        : `${status.alarms.on.length} alarms on`;
  const gaps = status.unread.length > 0 ? [`${counted(status.unread.length, "part", "parts")} could not be read`] : [];
  const late = status.loop_late ? ["THE LOOP DOES NOT DECIDE"] : [];
  return [status.at, ...late, ...pools, alarms, ...gaps].join(" | ");
}

/** What must not be missed comes first. */
function alertsOf(status: Status, width: number): string[] {
  const late = status.pools.filter(() => status.loop_late);
  const lines = late.flatMap(({ pool, decided_seconds_ago: age }) => {
    if (age !== null && age <= 120) return [];
    const [since, advice] =
      age === null
        ? ["A DAY, OR NEVER", "after a first deploy, look again in two minutes. Else run"]
        : [duration(age), "what stands below is old. Run"];
    return labelled(
      "!!",
      `THE LOOP HAS NOT DECIDED FOR ${since} (${pool}): ${advice} fleet doctor ${status.stack}`,
      width,
      3,
    );
  });
  const held = status.pools.flatMap(({ pool, held_because: why }) =>
    why === null ? [] : labelled("!!", `The loop launches and retires nothing in ${pool}: ${why}`, width, 3),
  );
  return [...lines, ...held, ...(status.drain ? labelled("!!", drainText(status.drain), width, 3) : [])];
}

function poolText(pool: Pool, width: number): string[] {
  const counts = Object.entries(pool.agents ?? {}).map(([state, count]) => `${count} ${state}`);
  const foreign = pool.foreign_agents
    ? `; ${counted(pool.foreign_agents, "agent", "agents")} of others in the pool`
    : "";
  const until = pool.limits_until
    ? ` until ${pool.limits_until} (the stack has min ${pool.stack?.min}, max ${pool.stack?.max})`
    : "";
  const limits = pool.max === null ? "limits unknown" : `min ${pool.min}, max ${pool.max}${until}`;
  const agents =
    pool.agents === null
      ? `unknown; ${limits}`
      : `${counts.join(", ") || "none"}; wanted ${pool.wanted}, supply ${pool.supply}, ${limits}${foreign}`;
  const decided =
    pool.decided_seconds_ago === null ? "no decision in the log" : `decided ${duration(pool.decided_seconds_ago)} ago`;
  const circuit =
    pool.circuit === null
      ? "unknown"
      : pool.circuit_open_since === null
        ? "closed"
        : `OPEN since ${pool.circuit_open_since}: too many launches failed`;
  return [
    ...labelled("Loop", decided, width),
    ...labelled("Queue", queueText(pool), width),
    ...(pool.unmatched
      ? labelled(
          "Unmatched",
          `${counted(pool.unmatched.jobs, "job demands", "jobs demand")} what no agent offers: ${pool.unmatched.demands.join(", ")}`,
          width,
        )
      : []),
    ...labelled("Agents", agents, width),
    ...labelled("Circuit", circuit, width),
    ...pool.decisions.flatMap(({ at, action, reason }, index) =>
      labelled(index === 0 ? "Decisions" : "", `${clockTime(new Date(at))} ${action}: ${reason}`, width),
    ),
  ];
}

function queueText({ queued, running, oldest_queued_seconds: oldest, at_least: partial }: Pool): string {
  if (queued === null) return "unknown";
  const least = partial ? "at least " : "";
  const wait = queued === 0 ? "" : `, the longest for ${oldest === null ? "an unknown time" : duration(oldest)}`;
  return `${least}${counted(queued, "job waits", "jobs wait")}${wait}; ${running} run`;
}

function fleetText(status: Status, width: number): string[] {
  const { alarms, secrets, images } = status;
  const on = alarms?.on.map(
    ({ name, for_seconds: since }) => `${name}${since === null ? "" : ` for ${duration(since)}`}`,
  );
  const silent = alarms?.without_data.length ? `; without data: ${alarms.without_data.join(", ")}` : "";
  const alarmText =
    alarms === null
      ? "unknown"
      : alarms.total === 0
        ? "THERE ARE NONE: somebody deleted them, so nobody hears of troubles"
        : `${on?.length ? `ON: ${on.join(", ")}` : `none of ${alarms.total} on`}${silent}`;
  const secretTexts = secrets.flatMap(({ secret, exists, has_value: value }) => {
    if (exists === false) return [];
    return `${secret} ${exists === null || value === null ? "unknown" : value ? "set" : "WITHOUT A VALUE"}`;
  });
  return [
    ...labelled("Alarms", alarmText, width),
    ...labelled("Secrets", secretTexts.join(", ") || "none", width),
    ...(images.length === 0 ? labelled("Image", "unknown", width) : []),
    ...images.flatMap(({ pool, image, age_seconds: age, age_unknown_because: why }, index) =>
      labelled(
        index === 0 ? "Image" : "",
        `${images.length > 1 ? `${pool}: ` : ""}${image}, ${age === null ? `age unknown: ${why}` : `${duration(age)} old`}`,
        width,
      ),
    ),
    ...labelled("Cost", costText(status), width),
  ];
}

function costText({ stack, cost }: Pick<Status, "stack" | "cost">): string {
  const { running_agents: running, agents_per_hour: hourly, fixed_per_month: fixed } = cost;
  const rate =
    cost.per_hour === null || cost.per_month === null
      ? ""
      : `${dollars(cost.per_hour)} an hour, ${dollars(cost.per_month)} a month at this rate: `;
  const price = hourly === null ? "of an unknown price (--price gives one)" : `${dollars(hourly)} an hour`;
  const agents = running === null ? "agents unknown" : `${counted(running, "agent", "agents")} ${price}`;
  const parts = fixed === null ? "unknown" : `${dollars(fixed)} a month (fleet cost ${stack} lists them)`;
  return `${rate}${agents}; fixed parts ${parts}; without ${cost.not_counted}`;
}

function agentsText({ agents }: Status): string[] {
  if (agents.length === 0) return [];
  const rows = agents.map(({ agent, state, age_seconds: age, missing_seconds: missing, where, type }) => [
    agent,
    missing === null ? state : `${state}, missing for ${duration(missing)}`,
    age === null ? "?" : duration(age),
    [where, type].filter(Boolean).join(" ") || "?",
  ]);
  return ["", ...inColumns([["Agent", "State", "Age", "Where"], ...rows])];
}

function retirementsText({ retirements }: Status, width: number): string[] {
  if (retirements.length === 0) return [];
  return [
    "",
    "Retirements under way",
    ...retirements.flatMap(({ agent, reason, for_seconds: since, deadline, waits_because: why }) =>
      labelled(
        "",
        `${agent} (${reason}) for ${duration(since ?? 0)}${deadline ? `, until ${deadline}` : ""}: ${why}`,
        width,
        2,
      ),
    ),
  ];
}

function drainText({ pools, of_all_pools: ofAll, left, loop_knows: loopKnows }: NonNullable<Status["drain"]>): string {
  const which = pools.map(({ pool, since }) => `${pool} since ${since}`).join(", ");
  const rest = ofAll ? "" : "; the other pools go on";
  const look = loopKnows ? "" : ". The loop has not looked yet";
  return `Being drained: ${which}. No agent starts there; ${counted(left.length, "machine is", "machines are")} left${rest}${look}`;
}

function drainLines({ drain }: Status, width: number): string[] {
  if (drain === null || drain.left.length === 0) return [];
  return [
    "",
    "The drain waits",
    ...drain.left.flatMap(({ agent, state, waits_for: wait, advice }) =>
      labelled("", `${agent} (${state}) for ${wait}.${advice ? ` ${advice}` : ""}`, width, 2),
    ),
  ];
}

function unreadText({ unread }: Status, width: number): string[] {
  if (unread.length === 0) return [];
  return ["", "Could not be read", ...unread.flatMap(({ part, why }) => labelled("", `${part}: ${why}`, width, 2))];
}
