import { describe, expect, it } from "vitest";
import * as z from "zod";
import { poolsOf } from "../../handlers/autoscale/pools.ts";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import { ConfigError } from "../../stacks/config/errors.ts";
import { capabilitiesOf, containersOf, ofImage, pool, pooled, variablesOf } from "./azure-devops.ts";
import { resources, rightsOf, synthesize, theOnly } from "./synth.ts";

const limits = { min: 10, max: 1000, buffer: "10%" };
const arn = `arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:${"s".repeat(80)}`;

/** Of a text when Terraform has put in what it knows. */
function lengthOf(text: string): number {
  const known = text.replaceAll(/\$\{[^}]+\.arn\}/g, arn).replaceAll(/\$\{[^}]+\.revision\}/g, "99999");
  return known.replaceAll(/\$\{[^}]+\}/g, "subnet-0123456789abcdef0").length;
}

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

  it("reach the loop whole: what is different, over what is the same", () => {
    const pools = poolsOf(z.decode(autoscaleEnv, variablesOf(stack) as never));
    expect(pools).toMatchObject([
      { pool: "linux", policy: { min: 0, max: 30 }, vendor: { pool: { name: "Pool linux" } } },
      {
        pool: "large",
        policy: { min: 1, max: 10 },
        vendor: { pool: { id: 9, name: "Pool large" } },
      },
    ]);
    const families = pools.map(({ capacity }) => ("taskDefinition" in capacity ? capacity.taskDefinition : ""));
    expect(families).toEqual([expect.stringMatching(/^ci_linux:\$/), expect.stringMatching(/^ci_large:\$/)]);
  });

  it.each([
    ["of the longest names", "a-stack-whose-name-has-forty-characters1", "pool-of-length-2", {}],
    ["with limits and a machine of their own", "azure-devops-agents", "linux-", { ...limits, compute: { spot: true } }],
  ])("fit the environment of a Lambda, eight %s with capabilities of their own", (_, stackName, prefix, more) => {
    const eight = Array.from({ length: 8 }, (_each, index) =>
      pool(`${prefix}${index}ab`, {
        id: 2_147_483_640 + index,
        capabilities: { [`kubectl-${index}`]: "1.33", [`helm-${index}`]: "3.18" },
        ...more,
      }),
    );
    const capabilities = { terraform: "1.11.4", python: "3.12", java: "21" };
    const stack = synthesize(pooled(eight, { vendor: { ...pooled([]).vendor, capabilities } }), stackName);
    for (const of of ["autoscale", "retirement_retire"] as const) {
      const variables = Object.entries(variablesOf(stack, of));
      expect(variables.reduce((sum, [name, value]) => sum + name.length + lengthOf(value), 0)).toBeLessThan(4096);
    }
    expect(capabilitiesOf(stack)).toEqual(
      eight.map((each) => ({
        ...ofImage(each.name),
        ...capabilities,
        ...("capabilities" in each && Object(each.capabilities)),
      })),
    );
    const { POOLS: retired = [] } = z.decode(retireEnv, variablesOf(stack, "retirement_retire") as never);
    expect(retired[1]?.vendor).toEqual({
      pool: { name: `Pool ${prefix}1ab`, id: 2_147_483_641 },
      poolCapabilities: { "kubectl-1": "1.33", "helm-1": "3.18" },
    });
  });

  it("are refused, with the reason, where the environment of a Lambda has no room for them", () => {
    const capabilities = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`tool-${index}`, "1.0"]));
    const many = ["aa", "bb", "cc", "dd", "ee"].map((key) =>
      pool(key, { capabilities: { ...capabilities, [key]: "" } }),
    );
    expect(() => synthesize(pooled(many))).not.toThrow();
    const own = many.map(({ key, ...rest }) => ({
      ...rest,
      key,
      capabilities: Object.fromEntries(Object.keys(capabilities).map((name) => [`${name}-${key}`, "1.0"])),
    }));
    expect(() => synthesize(pooled(own))).toThrow(ConfigError);
    expect(() => synthesize(pooled(own))).toThrow(
      /^config\/ci\.yaml: pools: must be shorter: the settings of function ci-\w+ need about \d{4} bytes \(POOLS \d{4}, .*Lambda takes 4096\. Shorten/,
    );
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
    expect(titles).toEqual(expect.arrayContaining(["linux: Jobs", "large: Jobs", "Function errors"]));
  });

  it("defect 9: alarms tell a state, not an edge: each says what missing data means and tells again when it is over", () => {
    for (const alarm of resources(stack, "aws_cloudwatch_metric_alarm")) {
      expect(["missing", "notBreaching"]).toContain(alarm.treat_missing_data);
      expect(alarm.ok_actions).toEqual(alarm.alarm_actions);
    }
  });
});
