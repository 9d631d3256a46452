import { readFileSync } from "node:fs";
import validate from "asl-validator";
import { describe, expect, it } from "vitest";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { releaseEnv } from "../../handlers/lib/settings/release.ts";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import { bundleHandlers } from "../../stacks/constructs/functions/bundle.ts";
import { account, containers, instances, machine, reference, variablesOf } from "./retirement.ts";
import { minimal, resources, rightsOf, synthesize, theOnly } from "./synth.ts";

describe("which fleets have a workflow", () => {
  it("those whose agents the loop retires, and not those whose agents leave by themselves", () => {
    expect(theOnly(containers, "aws_sfn_state_machine")).toMatchObject({ name: "ci-retire", type: "STANDARD" });
    expect(resources(synthesize(minimal), "aws_sfn_state_machine")).toEqual([]);
    expect(resources(synthesize(minimal), "aws_lambda_function").map((each) => each.function_name)).toEqual([
      "ci-autoscale",
      "ci-webhook",
    ]);
  });

  it("containers have no release queue", () => {
    expect(
      resources(containers, "aws_lambda_function")
        .map((each) => each.function_name)
        .sort(),
    ).toEqual(["ci-autoscale", "ci-retire"]);
    const read = resources(containers, "aws_lambda_event_source_mapping").map(({ function_name: name }) => name);
    expect(read).toEqual([expect.stringContaining("autoscale")]);
  });

  it.each([
    ["containers", containers],
    ["instances", instances],
  ])("the definition as it is deployed is valid on %s", (_, stack) => {
    const text = String(theOnly(stack, "aws_sfn_state_machine").definition)
      .replaceAll("${data.aws_partition.partition.partition}", "aws")
      .replaceAll(account, "123456789012")
      .replaceAll(/\$\{aws_(\w+?)\.[^}]+\}/g, "arn:aws:$1:us-west-2:123456789012:ci");
    expect(text).not.toContain("${");
    const { isValid, errorsText } = validate(JSON.parse(text), { checkPaths: true, checkArn: true });
    expect(errorsText()).toBe("");
    expect(isValid).toBe(true);
  });
});

describe("environments", () => {
  it("the retire function gets the table with the pools' settings, of which it may read single rows", () => {
    const [row] = resources(containers, "aws_dynamodb_table_item");
    expect(retireEnv.parse(variablesOf(containers, "ci-retire"))).toMatchObject({
      FLEET: "ci",
      SETTINGS_TABLE: row?.table_name,
      API_TOKEN_SECRET_ARN: expect.stringContaining("secret-pat"),
    });
    const rights = rightsOf(containers, "retirement_retire_retire-role").flatMap(({ Action }) => Action);
    expect(rights.filter((action) => action.startsWith("dynamodb:"))).toEqual(["dynamodb:GetItem"]);
  });

  it("the loop gets the workflow and its time limit", () => {
    expect(autoscaleEnv.parse(variablesOf(containers, "ci-autoscale")).RETIREMENTS).toEqual({
      workflow: machine,
      drainTimeoutSeconds: 7200,
    });
  });

  it("the release function gets the group and the workflow", () => {
    expect(releaseEnv.parse(variablesOf(instances, "ci-release"))).toEqual({
      FLEET: "ci",
      GROUP: ["ci"],
      RETIREMENTS: { workflow: machine, drainTimeoutSeconds: 21_600 },
    });
  });
});

describe("alarms", () => {
  const alarms = resources(instances, "aws_cloudwatch_metric_alarm");

  it("tell of failed retirements, failing functions and notices not taken in, and have a section in the runbook", () => {
    const runbook = readFileSync("docs/runbook.md", "utf8");
    expect(alarms.map(({ alarm_name }) => alarm_name).sort()).toEqual([
      "ci-release-dead-letters",
      "ci-release-failing",
      "ci-retire-failing",
      "ci-retirements-aborted",
      "ci-retirements-failing",
      "ci-retirements-timed-out",
    ]);
    for (const { alarm_name } of alarms) {
      const section = `## ${String(alarm_name).replace("ci-", "")}`;
      expect(runbook, `docs/runbook.md needs a section "${section}"`).toContain(`\n${section}\n`);
    }
    expect(alarms.find(({ alarm_name }) => alarm_name === "ci-retirements-failing")).toMatchObject({
      namespace: "AWS/States",
      metric_name: "ExecutionsFailed",
      dimensions: { StateMachineArn: machine },
    });
  });

  it.each(["retire", "release"])("watch the errors of the %s function, of which one alone is none", (name) => {
    expect(alarms.find(({ alarm_name }) => alarm_name === `ci-${name}-failing`)).toMatchObject({
      namespace: "AWS/Lambda",
      metric_name: "Errors",
      dimensions: { FunctionName: `ci-${name}` },
      statistic: "Sum",
      threshold: 3,
      treat_missing_data: "notBreaching",
      alarm_actions: [reference("aws_sns_topic\\.topic_\\w+\\.arn")],
    });
  });

  it("watch containers' retire function too, which have no release function", () => {
    const names = resources(containers, "aws_cloudwatch_metric_alarm").map(({ alarm_name }) => alarm_name);
    expect(names).toContain("ci-retire-failing");
    expect(names).not.toContain("ci-release-failing");
  });
});

describe("bundles", () => {
  it("are smaller than 1 MB each", async () => {
    const bundles = await bundleHandlers();
    for (const name of ["retire", "release"] as const) expect(Buffer.byteLength(bundles[name])).toBeLessThan(1_000_000);
  });
});
