import { alarmStates, type Graph, graph, ours, text, type Widget } from "./widgets.ts";

/** The price of one agent by a list; see scripts/prices/table.ts. */
export interface ListPrice {
  /** US dollars; `undefined`: no list has it. */
  readonly perHour: number | undefined;
  /** Which list, and of when. */
  readonly source: string;
}

/** One pool on the dashboard. */
export interface ShownPool {
  /** `undefined`: the fleet is one pool. */
  readonly pool: string | undefined;
  readonly price: ListPrice;
  /** Else its image is in a registry that the loop does not ask. */
  readonly knowsImageAge: boolean;
  readonly alarms: readonly { readonly arn: string }[];
}

/**
 * What an operator asks about a pool, in this order: which alarms ring, is there enough, how long do jobs wait, are agents
 * coming, are they going, what holds the loop back, what does it cost. Four even rows.
 *
 * A stack has up to 50 pools, and one dashboard takes 500 widgets and 2500 metrics: 9 and at most 49 for each.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
 */
export function poolWidgets(
  fleet: { readonly name: string; readonly region: string; readonly queueWaitSeconds: number },
  { pool, price, alarms }: ShownPool,
  { hasFallback }: { readonly hasFallback: boolean },
): Widget[] {
  const dimensions = ["Fleet", fleet.name, ...(pool === undefined ? [] : ["Pool", pool])];
  const title = (text: string) => (pool === undefined ? text : `${pool}: ${text}`);
  const draw = (of: Graph) => graph(fleet.region, { ...of, title: title(of.title) });
  const lines = (...[names, options]: [Parameters<typeof ours>[1], object?]) => ours(dimensions, names, options);
  return [
    alarmStates(title("Alarms"), alarms),
    draw({
      title: "Jobs, agents and limit",
      width: 12,
      stat: "Maximum",
      lines: [
        ...lines(["JobsQueued"], { id: "queued", visible: false }),
        ...lines(["JobsRunning"], { id: "running", visible: false }),
        [{ expression: "queued + running", label: "Jobs", id: "jobs" }],
        ...lines(["JobsQueued"]),
        ...lines(["AgentsRunning", "AgentsWanted", "AgentsMax"]),
      ],
    }),
    draw({
      title: "Wait for an agent (seconds)",
      width: 6,
      stat: "Maximum",
      limit: { label: "alarms.queueWaitSeconds", value: fleet.queueWaitSeconds },
      lines: [...lines(["OldestQueuedSeconds"]), ...percentiles(lines, "QueueWaitSeconds")],
    }),
    draw({
      title: "Boot, and a look of the loop (seconds)",
      width: 6,
      stat: "Maximum",
      lines: [...percentiles(lines, "BootSeconds"), ...lines(["TickSeconds"])],
    }),
    draw({
      title: "Agents by state",
      width: 12,
      stat: "Average",
      stacked: true,
      lines: lines([
        "AgentsOrdered",
        "AgentsStarting",
        "AgentsIdle",
        "AgentsBusy",
        "AgentsUnclear",
        "AgentsUnseen",
        "AgentsRetiring",
        "AgentsOffline",
      ]),
    }),
    draw({
      title: "Launches and errors",
      width: 6,
      stat: "Sum",
      lines: lines(["Launched", "LaunchFailures", "VendorApiErrors"]),
    }),
    draw({
      title: "Retirements",
      width: 6,
      stat: "Sum",
      lines: [
        ...lines(["RetirementsStarted", "Retired", "RetirementsAborted", "AgentsSilent"]),
        ...lines(["AgentsOutdated"], { stat: "Average" }),
      ],
    }),
    draw({
      title: "What holds the loop or the jobs back (1: yes)",
      width: 12,
      stat: "Maximum",
      lines: lines([
        ...(["CircuitOpen", "Paused", "AtCeiling", "QueuedWithoutAgents", "DemandPartial", "JobsUnmatched"] as const),
        ...(hasFallback ? (["OnDemandFallback"] as const) : []),
      ]),
    }),
    draw({
      title: `Agent-hours an hour${price.perHour === undefined ? "" : " and US dollars"}`,
      width: 12,
      stat: "Average",
      periodSeconds: 3600,
      lines: [
        ...lines(["AgentsRunning"], { id: "hours", label: "Agent-hours" }),
        ...(price.perHour === undefined
          ? []
          : [
              [
                {
                  expression: `hours * ${price.perHour.toFixed(5)}`,
                  label: `US dollars (${price.source})`,
                  yAxis: "right",
                },
              ],
            ]),
      ],
    }),
  ];
}

/** The age of each pool's image; where nobody knows it, the words for that. Two widgets for all pools: see the limits above. */
export function imageWidgets(
  fleet: { readonly name: string; readonly region: string },
  pools: readonly ShownPool[],
): Widget[] {
  const known = pools.filter(({ knowsImageAge }) => knowsImageAge);
  const unknown = pools.filter(({ knowsImageAge }) => !knowsImageAge);
  const lines = known.flatMap(({ pool }, index) => {
    const dimensions = ["Fleet", fleet.name, ...(pool === undefined ? [] : ["Pool", pool])];
    return [
      ...ours(dimensions, ["ImageAgeSeconds"], { id: `age${index}`, visible: false }),
      [{ expression: `age${index} / 86400`, label: pool ?? "oldest image in use" }],
    ];
  });
  const title = "Age of the agents' image (days)";
  const names = unknown.flatMap(({ pool }) => pool ?? []).join(", ");
  const note =
    `**${title}: not known${names && ` of ${names}`}.** The image is in a registry that the loop does not ask: it asks ECR ` +
    "in the stack's region alone.";
  return [
    ...(known.length > 0
      ? [graph(fleet.region, { title, width: 24, stat: "Maximum", periodSeconds: 3600, lines })]
      : []),
    ...(unknown.length > 0 ? [text(note)] : []),
  ];
}

function percentiles(
  lines: (names: ["QueueWaitSeconds" | "BootSeconds"], options: object) => ReturnType<typeof ours>,
  name: "QueueWaitSeconds" | "BootSeconds",
) {
  return ["p50", "p95"].flatMap((stat) => lines([name], { stat, label: `${name} ${stat}` }));
}
