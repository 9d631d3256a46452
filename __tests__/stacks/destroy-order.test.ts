import { describe, expect, it } from "vitest";
import { loadStacks } from "../../stacks/config/load.ts";
import { type Address, type DestroyOrder, destroyOrderOf } from "./destroy-order.ts";
import { type Synthesized, synthesizeParsed } from "./synth.ts";

const { stacks } = loadStacks({ env: {}, cwd: process.cwd() });
const made = stacks.map(({ name, config }) => {
  const json = synthesizeParsed(config, name);
  return { name, kind: config.kind, json, order: destroyOrderOf(json) };
});
const of = (...kinds: readonly string[]) => made.filter(({ kind }) => kinds.includes(kind));

const networkTypes =
  /^aws_(vpc|subnet|route|route_table|route_table_association|nat_gateway|eip|internet_gateway|egress_only_internet_gateway|vpc_endpoint|security_group|vpc_security_group_(in|e)gress_rule)$/;
const typeOf = (address: Address) => address.split(".")[0] ?? "";
const ofType = ({ resources }: DestroyOrder, type: string | RegExp) =>
  resources.filter((each) => (typeof type === "string" ? typeOf(each) === type : type.test(typeOf(each))));

function blockOf({ resource }: Synthesized, address: Address): Readonly<Record<string, unknown>> {
  const [type = "", id = ""] = address.split(".");
  return resource[type]?.[id] ?? {};
}

/** The roles that a resource uses, and the resources that give those their rights. */
function rightsBehind({ json, order }: (typeof made)[number], users: readonly Address[]): Address[] {
  const roles = new Set(
    users.flatMap((user) => [...order.after(user)]).filter((each) => typeOf(each) === "aws_iam_role"),
  );
  return ofType(order, /^aws_iam_role_policy/).filter((policy) =>
    [...roles].some((role) => String(blockOf(json, policy).role).includes(`${role}.`)),
  );
}

/** All that a running agent, host or task needs in its own stack. */
function neededBy(stack: (typeof made)[number], users: readonly Address[]): Address[] {
  const { order } = stack;
  const direct = [
    ...ofType(order, networkTypes),
    ...rightsBehind(stack, users),
    ...users.flatMap((user) => [...order.after(user)]),
  ];
  const all = new Set(direct.flatMap((each) => [each, ...order.after(each)]));
  return [...all].filter((each) => !each.startsWith("data."));
}

const inVain = ({ order }: { readonly order: DestroyOrder }, first: Address, needed: readonly Address[]) =>
  needed.filter((each) => each !== first && !order.isBefore(first, each));

describe("the destroy of a fleet", () => {
  it.each(of("ecs-fleet", "ec2-fleet"))("$name begins with the guard, which asks the loop", ({ json, order }) => {
    const guards = ofType(order, "aws_lambda_invocation");
    const [guard = "", ...others] = guards.filter((each) => !each.includes("destroy-fallback"));
    expect(others).toEqual([]);
    expect(blockOf(json, guard)).toMatchObject({
      lifecycle_scope: "CRUD",
      function_name: expect.stringMatching(/^\$\{aws_lambda_function\.autoscale_function_\w+\.function_name\}$/),
    });
    expect(order.resources.filter((each) => each !== guard && !order.isBefore(guard, each))).toEqual([]);
  });

  it.each(of("ecs-fleet"))("$name takes what tasks need only after ECS has given up its cluster", (stack) => {
    const { order } = stack;
    const tasks = ofType(order, "aws_ecs_task_definition");
    const needed = neededBy(stack, tasks);
    expect(needed.length).toBeGreaterThan(4);
    const [cluster] = ofType(order, "aws_ecs_cluster");
    const [providers = ""] = ofType(order, "aws_ecs_cluster_capacity_providers");
    if (cluster === undefined) return;
    expect(inVain(stack, cluster, [...needed, ...tasks])).toEqual([]);
    expect(order.isBefore(providers, cluster)).toBe(true);
  });

  it.each(
    of("ec2-fleet"),
  )("$name takes what instances need only after the group, and the group after the loop", (stack) => {
    const { order } = stack;
    const [group = ""] = ofType(order, "aws_autoscaling_group");
    const needed = neededBy(stack, [group]);
    expect(needed).toEqual(expect.arrayContaining([expect.stringContaining("aws_sqs_queue.release-queue")]));
    expect(inVain(stack, group, needed)).toEqual([]);
    const [loop = ""] = order.resources.filter((each) => each.startsWith("aws_lambda_function.autoscale"));
    expect(order.isBefore(loop, group)).toBe(true);
  });
});

describe("the destroy of a cluster with hosts", () => {
  it.each(of("ecs-cluster"))("$name takes what hosts and tasks need only after the capacity provider", (stack) => {
    const { order } = stack;
    const [providers = ""] = ofType(order, "aws_ecs_cluster_capacity_providers");
    const hosts = ofType(order, "aws_autoscaling_group");
    const tasks = ofType(order, "aws_ecs_task_definition");
    const needed = neededBy(stack, [...hosts, ...tasks]);
    expect(inVain(stack, providers, [...needed, ...hosts, ...tasks])).toEqual([]);
    for (const service of ofType(order, "aws_ecs_service")) expect(order.isBefore(service, providers)).toBe(true);
  });
});

describe("a log group", () => {
  const writers =
    /^aws_(lambda_function|apigatewayv2_stage|flow_log|codebuild_project|ecs_task_definition|ecs_cluster|autoscaling_group|imagebuilder_image_pipeline)$/;

  it.each(made)("of $name goes only after what writes to it", ({ order }) => {
    const writing = ofType(order, writers);
    const groups = ofType(order, "aws_cloudwatch_log_group");
    expect(groups.filter((group) => !writing.some((writer) => order.isBefore(writer, group)))).toEqual([]);
  });
});

describe("the order", () => {
  it("follows references through data sources, and not what only looks like one", () => {
    const order = destroyOrderOf({
      resource: {
        aws_a: {
          one: { value: "${data.aws_b.two.id}" },
          four: { value: "$${aws_c.three.id}", depends_on: ["aws_a.one"] },
        },
        aws_c: { three: {} },
      },
      data: { aws_b: { two: { depends_on: ["aws_c.three"] } } },
    });
    expect(order.isBefore("aws_a.one", "aws_c.three")).toBe(true);
    expect(order.isBefore("aws_a.four", "aws_c.three")).toBe(true);
    expect(order.isBefore("aws_c.three", "aws_a.one")).toBe(false);
    expect([
      ...destroyOrderOf({
        resource: { aws_a: { one: { value: "$${aws_c.three.id}" } }, aws_c: { three: {} } },
        data: {},
      }).after("aws_a.one"),
    ]).toEqual([]);
  });

  it("finds circles", () => {
    const resource = { aws_a: { one: { depends_on: ["aws_b.two"] } }, aws_b: { two: { value: "${aws_a.one.id}" } } };
    expect(() => destroyOrderOf({ resource, data: {} })).toThrow("a circle");
  });
});
