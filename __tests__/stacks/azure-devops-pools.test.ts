import { describe, expect, it } from "vitest";
import * as z from "zod";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { capabilitiesOf, containersOf, pool, pooled, variablesOf } from "./azure-devops.ts";
import { resources, rightsOf, settingsOf, synthesize, theOnly } from "./synth.ts";

describe("several pools", () => {
  const stack = synthesize(
    pooled([pool("linux", { max: 30 }), pool("large", { min: 1, id: 9, compute: { cpu: 4096, memoryMiB: 16384 } })]),
  );

  it("have a task definition each, which the loop may run and no other", () => {
    expect(containersOf(stack).map(({ family }) => family)).toEqual(["ci_large", "ci_linux"]);
    expect(resources(stack, "aws_ecs_task_definition").map(({ cpu }) => cpu)).toEqual(["4096", "1024"]);
    expect(rightsOf(stack, "autoscale").find(({ Action }) => Action.includes("ecs:RunTask"))?.Resource).toEqual([
      expect.stringMatching(/task-definition\/ci_linux:\*$/),
      expect.stringMatching(/task-definition\/ci_large:\*$/),
    ]);
  });

  it("reach the loop whole, each in a row of the table: what is different, over what is the same", () => {
    expect(z.decode(autoscaleEnv, variablesOf(stack) as never).POOLS).toEqual(["linux", "large"]);
    const { linux, large } = settingsOf(stack);
    expect([linux, large]).toMatchObject([
      { policy: { min: 0, max: 30 }, vendor: { pool: { name: "Pool linux" } } },
      { policy: { min: 1, max: 10 }, vendor: { pool: { id: 9, name: "Pool large" } } },
    ]);
    const families = [linux, large].map((settings) =>
      settings && "taskDefinition" in settings.capacity ? settings.capacity.taskDefinition : "",
    );
    expect(families).toEqual([expect.stringMatching(/^ci_linux:\$/), expect.stringMatching(/^ci_large:\$/)]);
  });

  it("have rows that the functions may read and not write, and that are there before a function needs them", () => {
    const loop = rightsOf(stack, "autoscale").filter(({ Resource }) => String(Resource).includes("settings"));
    expect(loop.map(({ Action }) => Action)).toEqual([["dynamodb:Query"]]);
    const table = resources(stack, "aws_dynamodb_table").find(({ name }) => name === "ci-settings");
    expect(table).toMatchObject({ hash_key: "part", range_key: "id", ttl: { attribute_name: "expiresAt" } });
    const rows = Object.keys(stack.resource.aws_dynamodb_table_item ?? {}).map((id) => `aws_dynamodb_table_item.${id}`);
    expect(rows).toHaveLength(2);
    for (const name of ["ci-autoscale", "ci-retire"]) {
      const found = resources(stack, "aws_lambda_function").find(({ function_name }) => function_name === name);
      expect(found?.depends_on).toEqual(expect.arrayContaining(rows));
    }
  });

  it("have nothing in their rows but what Terraform can compare: two keys and one document", () => {
    for (const { item, hash_key, range_key, lifecycle } of resources(stack, "aws_dynamodb_table_item")) {
      expect(Object.keys(JSON.parse(String(item)))).toEqual(["part", "id", "document"]);
      expect([hash_key, range_key, lifecycle]).toEqual(["part", "id", undefined]);
    }
  });

  it("take texts of any kind to the loop as they are", () => {
    const capabilities = { quoted: '"a\\b"', lines: "one\ntwo", template: "${not} %{terraform}" };
    const { odd: settings } = settingsOf(synthesize(pooled([pool("odd", { capabilities }), pool("usual")])));
    expect(settings?.vendor).toMatchObject({
      poolCapabilities: expect.objectContaining({
        quoted: '"a\\b"',
        lines: "one\ntwo",
        template: "$${not} %%{terraform}",
      }),
    });
  });

  it("need no room in a Lambda's environment, whatever their capabilities", () => {
    const capabilities = (key: string) =>
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`tool-${index}-${key}`, "1.0"]));
    const many = ["aa", "bb", "cc", "dd", "ee"].map((key) => pool(key, { capabilities: capabilities(key) }));
    expect(capabilitiesOf(synthesize(pooled(many)))[4]).toMatchObject(capabilities("ee"));
  });

  it("have alarms and widgets of their own; what is the fleet's is there once", () => {
    const names = resources(stack, "aws_cloudwatch_metric_alarm").map(({ alarm_name: name }) => String(name));
    expect(names).toEqual(expect.arrayContaining(["ci-linux-queue-wait", "ci-large-queue-wait", "ci-loop-failing"]));
    expect(names).not.toContain("ci-queue-wait");
    const wait = resources(stack, "aws_cloudwatch_metric_alarm").find(
      ({ alarm_name: name }) => name === "ci-large-queue-wait",
    );
    expect(wait).toMatchObject({ dimensions: { Fleet: "ci", Pool: "large" }, namespace: "AgentFleets" });
    const { widgets } = JSON.parse(String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body));
    const titles = widgets.map(({ properties }: { properties: { title: string } }) => properties.title);
    expect(titles).toEqual(
      expect.arrayContaining(["linux: Jobs, agents and limit", "large: Jobs, agents and limit", "Function errors"]),
    );
  });

  it("defect 9: alarms tell a state, not an edge: each says what missing data means and tells again when it is over", () => {
    for (const alarm of resources(stack, "aws_cloudwatch_metric_alarm")) {
      expect(["missing", "notBreaching"]).toContain(alarm.treat_missing_data);
      expect(alarm.ok_actions).toEqual(alarm.alarm_actions);
    }
  });
});

describe("fifty pools", () => {
  const fifty = Array.from({ length: 50 }, (_, index) =>
    pool(`pool-of-the-longest${index}`.slice(-20).replace(/^[^a-z]*/, ""), {
      id: 2_147_483_597 + index,
      min: 1,
      max: 1000,
      buffer: "10%",
      capabilities: { [`kubectl-${index}`]: "1.33", [`helm-${index}`]: "3.18" },
      compute: { spot: true },
    }),
  );
  const name = "a-stack-whose-name-has-forty-characters1";
  const stack = synthesize(pooled(fifty), name);

  it("are one stack: synthesis finds no policy and no environment above what AWS takes", () => {
    expect(Object.keys(settingsOf(stack)).sort()).toEqual(fifty.map(({ key }) => key).sort());
    expect(resources(stack, "aws_ecs_task_definition")).toHaveLength(50);
    for (const of of ["autoscale", "retirement_retire"] as const) {
      const variables = Object.entries(variablesOf(stack, of));
      // Less than half of what Lambda takes: ARNs and names in place of expressions are not much longer.
      expect(variables.reduce((sum, [key, value]) => sum + key.length + value.length, 0)).toBeLessThan(2048);
    }
  });

  it("have rows that DynamoDB takes: 400 KB each, and 1 MB for a page of the loop's one query", () => {
    const sizes = resources(stack, "aws_dynamodb_table_item").map(({ item }) => String(item).length);
    expect(Math.max(...sizes)).toBeLessThan(4 * 1024);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1024 * 1024);
  });

  it("are one dashboard: CloudWatch takes 500 widgets, and 2500 metrics on all of them", () => {
    const { widgets } = JSON.parse(String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body));
    expect(widgets.length).toBeLessThanOrEqual(500);
    const metrics = widgets.flatMap(
      (widget: { properties: { metrics?: unknown[] } }) => widget.properties.metrics ?? [],
    );
    expect(metrics.length).toBeLessThanOrEqual(2500);
  });

  it("have a workflow whose definition Step Functions takes: 1 MB", () => {
    expect(String(theOnly(stack, "aws_sfn_state_machine").definition).length).toBeLessThan(1_000_000);
  });

  it("are as many as a stack takes", () => {
    expect(() => synthesize(pooled([...fifty, pool("one-more")]))).toThrow("must name at most 50 pools");
  });
});
