import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { actionsIn } from "../../../scripts/generate/deploy-rights.ts";
import { narrowings, operatorActions } from "../../../scripts/generate/operator-actions.ts";
import { operatorPolicies, operatorRights } from "../../../scripts/generate/operator-rights.ts";
import { faultOf } from "../cli/operator-rights.ts";

const listed = new Set(
  Object.values(operatorActions).flatMap(({ looks = "", acts = "" }) => actionsIn(`${looks} ${acts}`)),
);

/** The texts of the modules that commands are made of. What only `fleet check` and `fleet trace` use is not an operator's. */
function textsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["check", "trace"].includes(entry.name) ? [] : textsIn(path);
    return path.endsWith(".ts") ? [readFileSync(path, "utf8")] : [];
  });
}

/** The operations that a module may call, without their service. */
function operationsIn(text: string): string[] {
  const calls = /new ([A-Z]\w+)Command\(|\bpaginate([A-Z]\w+)\(|\bcall\("\w+", "(\w+)"/g;
  return [...text.matchAll(calls)].flatMap(([, ...names]) => names.filter((name) => name !== undefined));
}

const ofCli = textsIn("scripts/cli").flatMap(operationsIn);
const ofAdapters = textsIn("handlers/lib/aws").flatMap(operationsIn);
const names = (actions: Iterable<string>) => [...actions].map((action) => action.split(":")[1]);

/** A signed call of Lambda, as the SDK sends it. */
const lambdaCall = (path: string) => ({
  method: "GET",
  path,
  query: new URLSearchParams(),
  headers: { authorization: "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/lambda/aws4_request, …" },
  body: Buffer.alloc(0),
});

describe("the rights to operate", () => {
  it("list every call that the CLI can make", () => {
    expect(ofCli.length).toBeGreaterThan(30);
    const known = new Set(names(listed));
    expect(
      ofCli.filter((name) => !known.has(name)),
      "add them to scripts/generate/operator-actions.ts",
    ).toEqual([]);
  });

  it("list no call that nothing makes", () => {
    const made = new Set([...ofCli, ...ofAdapters]);
    expect(names(listed).filter((name) => name === undefined || !made.has(name))).toEqual([]);
  });

  it("are two policies that IAM takes, each of named actions and within 6,144 characters", () => {
    for (const Statement of [operatorPolicies.looks, operatorPolicies.acts]) {
      expect(JSON.stringify({ Version: "2012-10-17", Statement }).length).toBeLessThanOrEqual(6144);
      for (const action of Statement.flatMap(({ Action }) => Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Z]\w+$/);
    }
  });

  it("let nobody who only looks change anything or read a secret of the fleet", () => {
    const looks = operatorPolicies.looks.flatMap(({ Action }) => Action);
    expect(looks.length).toBeGreaterThan(20);
    const looking = /:(BatchGet|Describe|Filter|Get|List|Query)/;
    expect(looks.filter((action) => !looking.test(action) || action.endsWith("GetSecretValue"))).toEqual([]);
  });

  it("are narrowed to the stack for all that changes something, but what knows no resources", () => {
    const wide = operatorPolicies.acts.filter(({ Resource }) => Resource === "*").flatMap(({ Action }) => Action);
    expect(wide).toEqual(["ssm:DescribeParameters"]);
    for (const { Resource } of operatorPolicies.acts) {
      for (const arn of Resource === "*" ? [] : Resource) expect(arn).toContain("<stack>");
    }
  });

  it("leave the rows of Terraform in the settings alone", () => {
    const writes = operatorPolicies.acts.find(({ Action }) => Action.includes("dynamodb:PutItem"));
    expect(writes).toMatchObject({
      Action: ["dynamodb:DeleteItem", "dynamodb:PutItem"],
      Condition: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["override"] } },
    });
  });

  it("narrow no call that no command makes", () => {
    expect(narrowings.flatMap(({ calls }) => actionsIn(calls)).filter((action) => !listed.has(action))).toEqual([]);
  });

  it("are shown command by command", () => {
    for (const command of Object.keys(operatorActions)) expect(operatorRights()).toContain(`| \`fleet ${command}\` |`);
  });
});

describe("a call of a command in a test", () => {
  it("is taken if the list has it for this command and this resource", () => {
    const call = lambdaCall("/2015-03-31/functions/ci-agents-autoscale/configuration");
    expect(faultOf(call, [["status", "ci-agents"]])).toBeUndefined();
    expect(faultOf(call, [["--json", "logs", "ci-agents"]])).toBeUndefined();
  });

  it("is a fault if another command has it, or none", () => {
    const call = lambdaCall("/2015-03-31/functions/ci-agents-autoscale/configuration");
    expect(faultOf(call, [["secret", "set", "ci-agents", "pat"]])).toContain(
      "fleet secret set calls lambda:GetFunctionC",
    );
    expect(faultOf(lambdaCall("/2020-01-01/unknown"), [["status", "ci-agents"]])).toContain("lambda:GET /2020-01-01");
  });

  it("is a fault if it asks for more than the policy allows", () => {
    const call = lambdaCall("/2015-03-31/functions/somebodys-function/configuration");
    expect(faultOf(call, [["status", "ci-agents"]])).toContain("but 2015-03-31, functions, somebodys-function");
  });

  it("is of no interest if it is not to AWS", () => {
    expect(faultOf({ ...lambdaCall("/api/v2"), headers: {} }, [["status", "ci-agents"]])).toBeUndefined();
  });
});
