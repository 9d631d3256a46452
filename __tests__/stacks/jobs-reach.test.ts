import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bootProgramOf, given, semaphore, spacelift } from "./ec2-fleet.ts";
import { type PolicyStatement, resources, rightsOf, type Synthesized, synthesize } from "./synth.ts";

const fleets = {
  "hcp-terraform": { kind: "ecs-fleet", vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws" } },
  "azure-devops": { kind: "ecs-fleet", vendor: { type: "azure-devops", organization: "acme", poolName: "aws" } },
};
const network = { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] };
const containerFleet = (vendor: keyof typeof fleets, compute: object = {}) =>
  synthesize({ region: "us-west-2", network, compute, ...fleets[vendor] }, "ci");
const instanceFleet = (config: object) => synthesize({ ...config, network: given }, "ci");
const policies = (stack: Synthesized, role: string) =>
  Object.keys(stack.resource.aws_iam_role_policy ?? {}).filter((id) => id.includes(role));

describe.each(["hcp-terraform", "azure-devops"] as const)("§2.5: what a job of %s can reach", (vendor) => {
  it("is a task role without rights, until the config adds some", () => {
    const stack = containerFleet(vendor);
    expect(policies(stack, "capacity_task")).toEqual([]);
    const attached = resources(stack, "aws_iam_role_policy_attachment").filter(({ role }) => /task/.test(String(role)));
    expect(attached).toEqual([]);
  });

  it("is the channels of ECS Exec where operators may open a shell, and no more", () => {
    const rights = rightsOf(containerFleet(vendor, { enableExecuteCommand: true }), "capacity_task");
    expect(rights.flatMap(({ Action }) => Action).filter((action) => !action.startsWith("ssmmessages:"))).toEqual([]);
  });

  it("is no secret by the task role: ECS reads them by another one, before the job", () => {
    const stack = containerFleet(vendor);
    const readers = policies(stack, "capacity_").filter((id) =>
      JSON.stringify(rightsOf(stack, id)).includes("GetSecretValue"),
    );
    expect(readers).toEqual([expect.stringContaining("capacity_execution")]);
  });
});

describe.each([
  ["Semaphore", semaphore],
  ["Spacelift", spacelift],
])("§2.5: what the role of instances of %s can reach", (_, config) => {
  const rights = rightsOf(instanceFleet(config), "role_instance");

  it("is no parameter, nothing of the group, and no managed policy of AWS", () => {
    const stack = instanceFleet(config);
    const services = new Set(rights.flatMap(({ Action }) => Action).map((action) => action.split(":")[0]));
    expect([...services].sort()).toEqual(["ec2messages", "logs", "secretsmanager", "sqs", "ssm", "ssmmessages"]);
    expect(rights.flatMap(({ Action }) => Action).filter((action) => /^ssm:/.test(action))).toEqual([
      "ssm:UpdateInstanceInformation",
    ]);
    expect(stack.resource).not.toHaveProperty("aws_iam_role_policy_attachment");
  });

  it("has the statements for Systems Manager that the page prints for roles of one's own", () => {
    const page = readFileSync("docs/ec2-fleet.md", "utf8");
    const printed: PolicyStatement[] = JSON.parse(/```json\n(\[[\s\S]*?)```/.exec(page)?.[1] ?? "");
    const plain = (text: string) =>
      text
        .replace(/\$\{data\.aws_partition[^}]+\}/, "aws")
        .replace("us-west-2", "<region>")
        .replace(/\$\{data\.aws_caller[^}]+\}/, "<account>");
    const ours = rights.filter(({ Action }) =>
      [Action].flat().some((action) => /^(ssm|ssmmessages|ec2messages):/.test(action)),
    );
    expect(printed).toEqual(
      ours.map(({ Resource, ...statement }) => ({
        ...statement,
        Resource: [Resource].flat().map((each) => plain(String(each))),
      })),
    );
  });
});

describe("§2.5: pages and AWS's managed policy for Systems Manager", () => {
  const pages = ["docs/ec2-fleet.md", "docs/runbook.md", "docs/machine-image.md", "docs/what-a-job-can-reach.md"];
  it.each(pages)("%s recommends it nowhere", (path) => {
    const paragraphs = readFileSync(path, "utf8")
      .split(/\n\n/)
      .filter((text) => text.includes("AmazonSSMManagedInstanceCore"));
    for (const text of paragraphs) expect(text).toMatch(/Do not attach|cannot read\s+the\s+account's\s+parameters/);
  });
});

describe("§2.5: the firewall of Semaphore's jobs", () => {
  it("is named by the key that an operator can set", () => {
    const open = bootProgramOf(
      instanceFleet({ ...semaphore, vendor: { ...semaphore.vendor, jobsUseInstanceRole: true } }),
    );
    expect(open).toContain("AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE='true'\n");
    expect(bootProgramOf(instanceFleet(semaphore))).toContain("AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE='false'\n");
    // Only the address of IPv4 is closed, so the other one has to stay off, as AWS has it by default.
    const templates = resources(instanceFleet(semaphore), "aws_launch_template");
    for (const { metadata_options } of templates) expect(metadata_options).not.toHaveProperty("http_protocol_ipv6");
    expect(templates).toHaveLength(1);
  });
});
