import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { callsWithoutRight } from "./rights.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cluster = "arn:aws:ecs:us-west-2:000000000000:cluster/ci";

/** @param managed whether the statements are in a managed policy that is attached to the role */
function check(
  statements: readonly unknown[],
  call: { service: string; operation: string; input: object },
  managed = false,
): string[] {
  const policy = JSON.stringify({ Statement: statements });
  const role = "ci-loop-role-us-west-2";
  const arn = "arn:aws:iam::000000000000:policy/ci-loop";
  const loop = {
    function_name: "ci-loop",
    role: `arn:aws:iam::000000000000:role/${role}`,
    arn: "arn:aws:lambda:x:0:f",
  };
  const policies = managed
    ? { aws_iam_policy: { arn, policy }, aws_iam_role_policy_attachment: { role, policy_arn: arn } }
    : { aws_iam_role_policy: { role, policy } };
  const resources = Object.entries({ aws_lambda_function: loop, ...policies }).map(([type, attributes]) => ({
    type,
    instances: [{ attributes }],
  }));
  const file = join(folder, "state.json");
  writeFileSync(file, JSON.stringify({ resources }));
  const groupOf = (instance: string) => (instance === "i-ours" ? "ci" : "other");
  return callsWithoutRight([{ caller: "ci-loop", ...call, input: { ...call.input } }], file, groupOf);
}

const allow = (Action: string, Resource: string, Condition?: object) => ({
  Effect: "Allow",
  Action: [Action],
  Resource: [Resource],
  ...(Condition && { Condition }),
});

describe("callsWithoutRight", () => {
  const list = { service: "ecs", operation: "ListTasks", input: { cluster } };
  const describeTask = { service: "ecs", operation: "DescribeTasks", input: { cluster, tasks: ["arn:task/ci/1"] } };

  it("finds nothing where action, resource and condition fit", () => {
    expect(check([allow("ecs:ListTasks", "*", { ArnEquals: { "ecs:cluster": cluster } })], list)).toEqual([]);
    expect(check([allow("ecs:DescribeTasks", "arn:task/ci/*")], describeTask)).toEqual([]);
    expect(check([allow("ecs:DescribeTasks", "arn:task/ci/*")], describeTask, true)).toEqual([]);
  });

  it.each([
    ["no statement", [], list],
    ["another action", [allow("ecs:DescribeTasks", "*")], list],
    ["another resource", [allow("ecs:DescribeTasks", "arn:task/other/*")], describeTask],
    ["another cluster", [allow("ecs:ListTasks", "*", { ArnEquals: { "ecs:cluster": "arn:other" } })], list],
    ["a call nobody has heard of", [allow("ecs:*", "*")], { service: "ecs", operation: "DeleteCluster", input: {} }],
  ])("names the call with %s", (_, statements, call) => {
    expect(check(statements, call)).toEqual([expect.stringContaining(`ci-loop may not ecs:${call.operation}`)]);
  });

  it("reads a form's instances and tags, and whose they are", () => {
    const tags = { "ForAllValues:StringEquals": { "aws:TagKeys": ["Role"] } };
    const group = { "aws:ResourceTag/aws:autoscaling:groupName": "ci" };
    const statements = [allow("ec2:CreateTags", "arn:aws:ec2:*:instance/*", { StringEquals: group, ...tags })];
    const tag = (instance: string, key: string) => {
      const input = { "ResourceId.1": instance, "Tag.1.Key": key };
      return check(statements, { service: "ec2", operation: "CreateTags", input });
    };
    expect(tag("i-ours", "Role")).toEqual([]);
    expect(tag("i-ours", "Name")).toEqual([expect.stringContaining("ci-loop may not ec2:CreateTags")]);
    expect(tag("i-other", "Role")).toEqual([expect.stringContaining("ci-loop may not ec2:CreateTags")]);
  });
});
