import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { commandPath } from "../../agents/ec2/host.ts";
import type { PolicyStatement } from "../synth.ts";
import { policiesOf } from "./policies.ts";
import { synthesizeShipped } from "./shipped.ts";

const parliament = commandPath("parliament");
if (!parliament) {
  process.stderr.write("SKIPPED: parliament is not on PATH (pip install parliament), so it checks no IAM policy\n");
}

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const finding = z.object({
  issue: z.string(),
  detail: z.unknown(),
  location: z.object({ filepath: z.string() }),
});

/** Findings that are accepted: where, which, and why. */
const accepted = [
  {
    where: /_host_policy_|-exec_policy_/,
    what: /^RESOURCE_MISMATCH .*ecr:BatchImportUpstreamImage.*"\*"/,
    why: "parliament's data is old: ECR's guide on pull-through caches names repositories for this action.",
  },
  {
    where: /_autoscale-role_policy_/,
    what: /^RESOURCE_MISMATCH .*states:DescribeExecution.*:express:/,
    why: "The action knows two sorts of ARN, and the executions of a standard workflow have the other one.",
  },
  {
    where: /_autoscale-role_policy_/,
    what: /^RESOURCE_MISMATCH .*states:ListExecutions.*:mapRun:/,
    why: "The action knows two sorts of ARN, and the loop lists executions of a workflow, not of a map run.",
  },
  {
    where: /_retire-role_policy_/,
    what: /^RESOURCE_MISMATCH .*ssm:SendCommand.*document/,
    why: "The right has one statement for the document and one for the instances, which alone know the condition.",
  },
  {
    where: /^hcp-full: .*consumer_terraform-write-policy_/,
    what: /^RESOURCE_MISMATCH .*s3:/,
    why: "The example's own policy names s3:* on a bucket: most actions of S3 are on something else.",
  },
  {
    where: /^cluster-full: .*deployer_role[-_]/,
    what: /^UNKNOWN_CONDITION_FOR_ACTION .*(app\.terraform\.io|token\.actions\.githubusercontent\.com):(aud|sub)/,
    why: "The keys are named after the provider of the tokens: IAM's user guide, keys for OIDC federation.",
  },
  {
    where: /capacity_task_policy_|service_api_task_api-task_policy_/,
    what: /^MISMATCHED_TYPE_BUT_USABLE .*StringEquals/,
    why: "The ARN of an EFS access point is compared as a text, as in the examples of EFS's user guide.",
  },
];

/**
 * What parliament finds in policies, by their names. Not that a resource is `*` (iam.test.ts says where it may be).
 */
function findings(policies: ReadonlyMap<string, readonly PolicyStatement[]>): { where: string; what: string }[] {
  const names = [...policies.keys()];
  const written = mkdtempSync(join(folder, "policies-"));
  mkdirSync(written, { recursive: true });
  for (const [index, Statement] of [...policies.values()].entries()) {
    writeFileSync(join(written, `${index}.json`), JSON.stringify({ Version: "2012-10-17", Statement }));
  }
  const args = ["--directory", written, "--json"];
  const { stdout, stderr } = spawnSync(parliament ?? "", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (stderr !== "") throw new Error(`parliament: ${stderr.slice(-2000)}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { issue, detail, location } = finding.parse(JSON.parse(line));
      const where = names[Number.parseInt(basename(location.filepath), 10)] ?? location.filepath;
      return { where, what: `${issue} ${JSON.stringify(detail)}` };
    })
    .filter(({ what }) => !what.startsWith("RESOURCE_STAR "));
}

describe.skipIf(!parliament)("parliament", () => {
  it.each([
    ["an unknown action", { Effect: "Allow", Action: "ecs:StopTasks", Resource: "*" }, "UNKNOWN_ACTION"],
    [
      "a resource that the action never matches",
      { Effect: "Allow", Action: "sqs:SendMessage", Resource: "arn:aws:sns:us-west-2:123456789012:topic" },
      "RESOURCE_MISMATCH",
    ],
  ])("finds %s", (_, statement, issue) => {
    expect(findings(new Map([["wrong", [statement]]]))).toMatchObject([
      { where: "wrong", what: expect.stringContaining(issue) },
    ]);
  });

  it("finds nothing in the policies of every shipped stack but what is accepted", async () => {
    const policies = policiesOf(await synthesizeShipped(join(folder, "shipped")));
    const kinds = [...policies.keys()].map((name) => / (aws_\w+)\./.exec(name)?.[1]);
    expect(kinds).toEqual(
      expect.arrayContaining(["aws_iam_role", "aws_iam_role_policy", "aws_sns_topic_policy", "aws_sqs_queue"]),
    );
    const found = findings(policies);
    const isAccepted = ({ where, what }: { where: string; what: string }) =>
      accepted.some((one) => one.where.test(where) && one.what.test(what));
    expect(found.filter((one) => !isAccepted(one))).toEqual([]);
    const needed = accepted.filter((one) =>
      found.some(({ where, what }) => one.where.test(where) && one.what.test(what)),
    );
    expect(needed, "parliament does not find all of these any more: accept them no longer").toEqual(accepted);
  });
});
