import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { metricNames } from "../../handlers/lib/core/ports.ts";
import { dashboardPage } from "../../stacks/constructs/alarms/console.ts";
import { fleet } from "./ec2-fleet.ts";
import { synthCluster, web, withServices } from "./ecs-cluster.ts";
import { minimal, resources, type Synthesized, synthesize, theOnly } from "./synth.ts";

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly title?: string;
    readonly metrics?: readonly (readonly unknown[])[];
    readonly stat?: string;
    readonly alarms?: readonly string[];
    readonly query?: string;
    readonly markdown?: string;
    readonly annotations?: object;
  };
}

function widgetsOf(stack: Synthesized): readonly Widget[] {
  const body = String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body);
  return JSON.parse(body).widgets;
}

/** Our own metrics on a dashboard, each with the statistic of its line. */
const shown = (stack: Synthesized) =>
  widgetsOf(stack).flatMap(({ properties: { metrics = [], stat } }) =>
    metrics.flatMap((line) => {
      const own = (line.at(-1) as { stat?: string } | undefined)?.stat;
      return line[0] === "AgentFleets" ? [{ name: String(line[1]), stat: own ?? stat }] : [];
    }),
  );

const withAll = fleet({ compute: { spotPercent: 100, spotFallback: {} } });
const simple = synthesize(minimal);

describe("the dashboard of a fleet", () => {
  it("shows every metric of ours, and none that nobody publishes", () => {
    const names = new Set(shown(withAll).map(({ name }) => name));
    names.delete("WebhookThrottled");
    expect([...names].sort()).toEqual([...metricNames].sort());
    const code = readdirSync("handlers", { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith("ports.ts"))
      .map((file) => readFileSync(`handlers/${file}`, "utf8"))
      .join("\n");
    for (const name of metricNames) expect(code, `nobody records ${name}`).toMatch(new RegExp(`\\b${name}: `));
    const filters = resources(simple, "aws_cloudwatch_log_metric_filter");
    expect(JSON.stringify(filters)).toContain("WebhookThrottled");
  });

  it("adds up no state: the loop looks several times a minute, and an agent is one agent", () => {
    const happenings =
      /^(Launched|LaunchFailures|RetirementsStarted|Retired|RetirementsAborted|VendorApiErrors|AgentsSilent|WebhookThrottled)$/;
    const added = shown(withAll).filter(({ stat }) => stat === "Sum");
    expect(added.length).toBeGreaterThan(5);
    for (const { name } of added) expect(name).toMatch(happenings);
  });

  it("has jobs, agents and the limit on one axis, and the wait beside its threshold", () => {
    const titled = (title: string) => widgetsOf(simple).find(({ properties }) => properties.title === title);
    const lines = titled("Jobs, agents and limit")?.properties.metrics ?? [];
    expect(lines.map(([, name]) => name)).toEqual(
      expect.arrayContaining(["JobsQueued", "AgentsRunning", "AgentsWanted", "AgentsMax"]),
    );
    expect(lines).toContainEqual([{ expression: "queued + running", label: "Jobs", id: "jobs" }]);
    expect(titled("Wait for an agent (seconds)")?.properties.annotations).toEqual({
      horizontal: [{ label: "alarms.queueWaitSeconds", value: 300 }],
    });
  });

  it("shows the state of each alarm of the stack once", () => {
    for (const stack of [simple, withAll]) {
      const arns = widgetsOf(stack).flatMap(({ properties }) => properties.alarms ?? []);
      expect(new Set(arns).size).toBe(arns.length);
      expect(arns).toHaveLength(resources(stack, "aws_cloudwatch_metric_alarm").length);
    }
  });

  it("estimates the cost where a list has the price, and hours alone where none has", () => {
    const costs = (stack: Synthesized) => JSON.stringify(widgetsOf(stack)).match(/hours \* [\d.]+/g);
    expect(costs(simple)).toHaveLength(1);
    expect(costs(withAll)).toBeNull();
    expect(JSON.stringify(widgetsOf(withAll))).toContain("Agent-hours");
  });

  it("reads the logs of the stack, and links to them", () => {
    const [text] = widgetsOf(withAll);
    const groups = resources(withAll, "aws_cloudwatch_log_group").map(({ name }) => String(name));
    const sources = widgetsOf(withAll).flatMap(({ properties: { query = "" } }) =>
      [...query.matchAll(/SOURCE '([^']+)'/g)].map(([, group]) => group),
    );
    expect(sources.length).toBeGreaterThan(3);
    for (const group of sources) expect(groups).toContain(group);
    expect(text?.properties.markdown).toContain("log-group/$252Faws$252Flambda$252Fci-autoscale)");
  });
});

describe("the dashboard of a cluster", () => {
  const services = withServices([web], { hosts: { max: 4 } });

  it("shows hosts and, where there are any, services and load balancer", () => {
    const text = (stack: Synthesized) => JSON.stringify(widgetsOf(stack));
    for (const name of ["GroupDesiredCapacity", "CapacityProviderReservation"])
      expect(text(synthCluster())).toContain(name);
    for (const name of ["AWS/ApplicationELB", "ServiceName"]) {
      expect(text(synthCluster())).not.toContain(name);
      expect(text(services)).toContain(name);
    }
  });

  it("has metrics of the group that the group publishes", () => {
    const published = theOnly(services, "aws_autoscaling_group").enabled_metrics;
    const used = widgetsOf(services).flatMap(({ properties: { metrics = [] } }) =>
      metrics.filter(([namespace]) => namespace === "AWS/AutoScaling").map(([, name]) => name),
    );
    expect(used.length).toBeGreaterThan(0);
    expect(published).toEqual(expect.arrayContaining(used));
  });

  it("has alarms only on what is there", () => {
    const names = (stack: Synthesized) =>
      resources(stack, "aws_cloudwatch_metric_alarm").map(({ alarm_name: name }) => name);
    expect(names(services)).toEqual(
      expect.arrayContaining([
        "apps-tasks-waiting",
        "apps-hosts-at-max",
        "apps-load-balancer-failing",
        "apps-web-targets-unhealthy",
      ]),
    );
    expect(names(synthCluster({ hosts: { min: 2, max: 2 } })).sort()).toEqual([
      "apps-alarms-undelivered",
      "apps-tasks-waiting",
    ]);
    const atMax = resources(services, "aws_cloudwatch_metric_alarm").find(({ alarm_name: name }) =>
      String(name).endsWith("hosts-at-max"),
    );
    expect(atMax).toMatchObject({ metric_name: "GroupDesiredCapacity", threshold: 4, statistic: "Minimum" });
  });
});

describe("every dashboard", () => {
  it.each([
    ["a fleet", simple],
    ["a fleet on instances", withAll],
    ["a cluster", withServices([web])],
  ])("of %s has even rows without a gap or an overlap, and an output with its page", (_, stack) => {
    const widgets = widgetsOf(stack);
    let bottom = 0;
    for (const y of new Set(widgets.map((widget) => widget.y))) {
      const row = widgets.filter((widget) => widget.y === y);
      expect(y).toBe(bottom);
      expect(new Set(row.map(({ height }) => height)).size).toBe(1);
      let right = 0;
      for (const { x, width } of row) {
        expect(x).toBe(right);
        right += width;
      }
      expect(right).toBeLessThanOrEqual(24);
      bottom += row[0]?.height ?? 0;
    }
    expect(stack.output?.dashboard_url?.value).toMatch(
      /^https:\/\/console\.aws\.amazon\.com\/cloudwatch\/home\?region=us-west-2#dashboards:name=\$\{aws_cloudwatch_dashboard\./,
    );
  });

  it.each([
    ["us-west-2", "https://console.aws.amazon.com/"],
    ["us-gov-west-1", "https://console.amazonaws-us-gov.com/"],
    ["cn-north-1", "https://console.amazonaws.cn/"],
  ])("of region %s has its page in the console of its partition", (region, start) => {
    expect(dashboardPage(region, "ci")).toBe(`${start}cloudwatch/home?region=${region}#dashboards:name=ci`);
  });
});
