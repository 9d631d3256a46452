import { describe, expect, it } from "vitest";
import { releaseEnv } from "../../handlers/lib/settings/release.ts";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import { destroyOrderOf } from "./destroy-order.ts";
import { bootProgramOf, environmentOf, fleet, semaphore, spacelift } from "./ec2-fleet.ts";
import { resources, rightsOf, statements, theOnly, theSettings } from "./synth.ts";

const compute = {
  instances: { types: ["m7i.large", "m6i.large"] },
  spotPercent: 80,
  onDemandBase: 1,
  spotMaxPrice: "1",
};
const withFallback = (changes: object = {}) =>
  fleet({ agents: { min: 2, max: 7 }, compute: { ...compute, spotFallback: { afterMinutes: 15 } }, ...changes });
const stack = withFallback();
const without = fleet({ agents: { min: 2, max: 7 }, compute });
const groups = () => resources(stack, "aws_autoscaling_group");
const groupNamed = (name: string) => groups().find((group) => group.name === name) ?? {};
const names = ["ci", "ci-on-demand"];
const anArn = /^\$\{aws_autoscaling_group\.[\w-]+\.arn\}$/;
const bothArns = [expect.stringMatching(anArn), expect.stringMatching(anArn)];
const conditionsOn = (role: string, key: string) =>
  rightsOf(stack, role).flatMap((statement) => {
    const { StringEquals: equals = {} } = (statement.Condition ?? {}) as { StringEquals?: Record<string, unknown> };
    return key in equals ? [equals[key]] : [];
  });

describe("the second group", () => {
  it("is there with spotFallback alone", () => {
    expect(groups().map(({ name }) => name)).toEqual(names);
    expect(resources(without, "aws_autoscaling_group").map(({ name }) => name)).toEqual(["ci"]);
  });

  it("is On-Demand alone, empty until the loop raises it, and as large as the fleet may be", () => {
    expect(groupNamed("ci-on-demand")).toMatchObject({
      min_size: 0,
      max_size: 7,
      desired_capacity: 0,
      lifecycle: { ignore_changes: ["desired_capacity"] },
      capacity_rebalance: false,
      mixed_instances_policy: {
        instances_distribution: { on_demand_base_capacity: 0, on_demand_percentage_above_base_capacity: 100 },
      },
    });
    const { instances_distribution: distribution } = groupNamed("ci-on-demand").mixed_instances_policy as {
      readonly instances_distribution: object;
    };
    expect(distribution).not.toHaveProperty("spot_max_price");
  });

  it("is like the first in all else: template, types, subnets, protection, processes, tags", () => {
    const rest = (name: string) => {
      const { min_size, desired_capacity, capacity_rebalance, mixed_instances_policy, ...group } = groupNamed(name);
      const { launch_template } = mixed_instances_policy as { readonly launch_template: object };
      return { ...group, launch_template, name: undefined, "//": undefined };
    };
    expect(rest("ci-on-demand")).toEqual(rest("ci"));
    expect(rest("ci")).toMatchObject({ protect_from_scale_in: true, suspended_processes: ["AZRebalance"] });
  });

  it("has a hook like the first's", () => {
    const hooks = resources(stack, "aws_autoscaling_lifecycle_hook");
    expect(hooks).toHaveLength(2);
    expect(new Set(hooks.map(({ autoscaling_group_name }) => autoscaling_group_name)).size).toBe(2);
    for (const hook of hooks) {
      expect(hook).toMatchObject({
        name: "agent-fleets-retire",
        lifecycle_transition: "autoscaling:EC2_INSTANCE_TERMINATING",
        heartbeat_timeout: 3600,
        default_result: "CONTINUE",
      });
    }
  });

  it("is an output", () => {
    const { output = {} } = stack as unknown as { readonly output?: Record<string, { readonly value: unknown }> };
    expect([output.autoscaling_group_name?.value, output.on_demand_group_name?.value]).toEqual(names);
  });
});

describe("Terraform", () => {
  const order = destroyOrderOf(stack);
  const idsOf = (type: string) => Object.keys(stack.resource[type] ?? {}).map((id) => `${type}.${id}`);
  const guardOf = (input: object) =>
    idsOf("aws_lambda_invocation").find(
      (address) => stack.resource.aws_lambda_invocation?.[address.split(".")[1] ?? ""]?.input === JSON.stringify(input),
    ) ?? "";
  const fleetGuard = guardOf({ source: "terraform" });
  const groupGuard = guardOf({ source: "terraform", part: "fallback" });
  const [first = "", second = ""] = idsOf("aws_autoscaling_group");

  it("destroys the fleet's guard before all others, and both groups before what their instances need", () => {
    expect(order.resources.filter((each) => each !== fleetGuard && !order.isBefore(fleetGuard, each))).toEqual([]);
    const needed = [
      ...["aws_route_table", "aws_iam_instance_profile", "aws_secretsmanager_secret", "aws_launch_template"].flatMap(
        idsOf,
      ),
      ...idsOf("aws_sqs_queue").filter((each) => each.includes("release-queue")),
    ];
    expect(needed.length).toBeGreaterThan(5);
    for (const group of [first, second]) expect(needed.filter((each) => !order.isBefore(group, each))).toEqual([]);
  });

  it("asks the loop before it destroys the second group without the fleet, and changes the loop only afterwards", () => {
    const hooks = idsOf("aws_autoscaling_lifecycle_hook").filter((each) => each.includes("on-demand"));
    expect(hooks).toHaveLength(1);
    for (const each of [second, ...hooks]) expect(order.isBefore(groupGuard, each)).toBe(true);
    const [loop = ""] = idsOf("aws_lambda_function").filter((each) => each.includes("autoscale"));
    // Terraform changes a resource after it has destroyed those that the state says it needs.
    expect(order.isBefore(loop, second)).toBe(true);
    expect(Object.keys(without.resource.aws_lambda_invocation ?? {})).toHaveLength(1);
  });
});

describe("the first group", () => {
  it("keeps its Spot, and has no floor, so that every order can be withdrawn; it starts with the fleet's", () => {
    const distribution = {
      on_demand_base_capacity: 1,
      on_demand_percentage_above_base_capacity: 20,
      spot_max_price: "1",
    };
    expect(groupNamed("ci")).toMatchObject({
      min_size: 0,
      max_size: 7,
      desired_capacity: 2,
      mixed_instances_policy: { instances_distribution: distribution },
    });
    const [first] = resources(withFallback({ agents: { min: 2, max: 7, initial: 3 } }), "aws_autoscaling_group");
    expect(first?.desired_capacity).toBe(3);
    expect(theOnly(without, "aws_autoscaling_group")).toMatchObject({ min_size: 2 });
  });

  it("keeps its place in the stack, so that no group is replaced", () => {
    const [id] = Object.keys(without.resource.aws_autoscaling_group ?? {});
    expect(Object.keys(stack.resource.aws_autoscaling_group ?? {})).toContain(id);
  });
});

describe("what knows both groups", () => {
  it("is the loop", () => {
    expect(theSettings(stack).capacity).toMatchObject({
      group: "ci",
      fallback: { group: "ci-on-demand", afterSeconds: 900 },
    });
    const changing = rightsOf(stack, "autoscale").find(({ Action }) =>
      Action.includes("autoscaling:SetDesiredCapacity"),
    );
    expect(changing?.Resource).toEqual(bothArns);
    expect(new Set(changing?.Resource).size).toBe(2);
    expect(conditionsOn("autoscale", "aws:ResourceTag/aws:autoscaling:groupName")).toEqual([names]);
  });

  it("is the workflow, which ends and releases instances of both, and of no other", () => {
    const ending = rightsOf(stack, "retire-workflow").find(({ Action }) =>
      Action.includes("autoscaling:CompleteLifecycleAction"),
    );
    expect(ending?.Resource).toEqual(bothArns);
    expect(new Set(ending?.Resource).size).toBe(2);
    const { States } = JSON.parse(String(theOnly(stack, "aws_sfn_state_machine").definition));
    for (const state of ["Where it is", "Is it gone"]) {
      expect(JSON.stringify(States[state])).toContain('"StringEquals":"ci-on-demand"');
    }
  });

  it("is the function that takes notices, and the one that asks the vendor", () => {
    expect(releaseEnv.parse(environmentOf(stack, "ci-release")).GROUP).toEqual(names);
    expect(retireEnv.parse(environmentOf(stack, "ci-retire")).GROUP).toEqual(names);
    for (const role of ["retirement_release_release-role", "retirement_retire_retire-role"]) {
      expect(conditionsOn(role, "aws:ResourceTag/aws:autoscaling:groupName")).toEqual([names]);
    }
    const asking = withFallback({ vendor: semaphore.vendor });
    const [sending] = rightsOf(asking, "retirement_retire_retire-role").filter(
      ({ Action, Condition }) => Action.includes("ssm:SendCommand") && Condition,
    );
    expect(sending?.Condition).toEqual({ StringEquals: { "ssm:resourceTag/aws:autoscaling:groupName": names } });
  });

  it("is the rule that brings notices", () => {
    const rules = resources(stack, "aws_cloudwatch_event_rule");
    const pattern = JSON.parse(String(rules.find(({ name }) => name === "ci-terminating")?.event_pattern));
    expect(pattern.detail).toEqual({ AutoScalingGroupName: names, LifecycleHookName: ["agent-fleets-retire"] });
  });

  it("is the dashboard, which shows when the fallback is in use", () => {
    const body = (of: typeof stack) => String(theOnly(of, "aws_cloudwatch_dashboard").dashboard_body);
    expect(body(stack)).toContain('"OnDemandFallback"');
    expect(body(without)).not.toContain("OnDemandFallback");
  });

  it("is not a worker of Spacelift: in both groups it names the fleet, by which the loop knows it", () => {
    expect(bootProgramOf(stack)).toContain("\nAGENT_FLEETS_GROUP='ci'\n");
    expect(theSettings(stack).vendor).toMatchObject({ type: spacelift.vendor.type, group: "ci" });
  });

  it("is nobody's role on the instances: they have no right to a group", () => {
    const policies = resources(stack, "aws_iam_role_policy").filter(({ role }) =>
      String(role).includes("role_instance"),
    );
    expect(policies.length).toBeGreaterThan(0);
    const actions = policies.flatMap(({ policy }) => statements(policy).flatMap(({ Action }) => Action));
    expect(actions.filter((action) => String(action).startsWith("autoscaling:"))).toEqual([]);
  });
});
