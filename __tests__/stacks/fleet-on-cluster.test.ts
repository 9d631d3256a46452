import { describe, expect, it } from "vitest";
import { synthCluster } from "./ecs-cluster.ts";
import { minimal, resources, rightsOf, type Synthesized, synthesize, theOnly, theSettings } from "./synth.ts";

const network = { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] };
const onHosts = (compute: object) => synthesize({ ...minimal, network, compute });

function capacityOf(stack: Synthesized) {
  return theSettings(stack).capacity;
}

/** Names of the parameters that a stack reads. */
const parametersOf = ({ data }: Synthesized) =>
  Object.values(data.aws_ssm_parameter ?? {}).map(({ name }) => String(name));

describe("a fleet on a cluster's hosts", () => {
  it("is on the network that the cluster publishes, unless its config names one", () => {
    const compute = { capacityProvider: { stack: "apps" } };
    const left = synthesize({ ...minimal, compute });
    const published = resources(synthCluster({}, "apps"), "aws_ssm_parameter").map(({ name }) => name);
    expect(parametersOf(left).length).toBeGreaterThan(1);
    expect(published).toEqual(expect.arrayContaining(parametersOf(left)));
    expect(resources(left, "aws_vpc")).toEqual([]);
    expect(parametersOf(onHosts(compute))).toEqual([]);
  });

  it("finds it as it is where the cluster itself is on a shared one", () => {
    const all = resources(synthCluster({ network: { stack: "shared" } }, "apps"), "aws_ssm_parameter");
    const parameters = all.filter(({ name }) => String(name).includes("/network/"));
    expect(parameters.map(({ name }) => name).sort()).toEqual([
      "/agent-fleets/apps/network/agent-subnet-ids",
      "/agent-fleets/apps/network/assign-public-ip",
      "/agent-fleets/apps/network/vpc-id",
    ]);
    for (const { value } of parameters)
      expect(value).toMatch(/^\$\{data\.aws_ssm_parameter\.[\w-]+\.insecure_value\}$/);
  });

  it("launches on the capacity provider that the cluster's stack makes", () => {
    const stack = onHosts({ capacityProvider: { stack: "apps" } });
    const made = theOnly(synthCluster({}, "apps"), "aws_ecs_capacity_provider");
    expect(capacityOf(stack)).toMatchObject({ capacityProviders: [made.name], assignPublicIp: "false" });
    expect(Object.values(stack.data.aws_ecs_cluster ?? {})).toMatchObject([{ cluster_name: "apps" }]);
    expect(resources(stack, "aws_ecs_cluster")).toEqual([]);
    expect(theOnly(stack, "aws_ecs_task_definition").requires_compatibilities).toEqual(["EC2"]);
    expect(JSON.stringify(rightsOf(stack, "autoscale"))).toContain(":task/apps/*");
  });

  it("launches on a capacity provider by name", () => {
    const stack = onHosts({ capacityProvider: { name: "gpu" }, cluster: { name: "shared" } });
    expect(capacityOf(stack)).toMatchObject({ capacityProviders: ["gpu"] });
    expect(Object.values(stack.data.aws_ecs_cluster ?? {})).toMatchObject([{ cluster_name: "shared" }]);
  });

  describe("that operators may enter by ECS Exec", () => {
    const entered = (capacityProvider: object, more: object = {}) =>
      rightsOf(onHosts({ capacityProvider, enableExecuteCommand: true, ...more }), "task").map(
        ({ Action, Resource }) => [Action, Resource],
      );

    it("logs its sessions where the cluster has them logged, encrypted with the cluster's key", () => {
      const log = theOnly(synthCluster({}, "apps"), "aws_ecs_cluster").configuration;
      expect(JSON.stringify(log)).toContain('"logging":"OVERRIDE"');
      const [channels, ...sessions] = entered({ stack: "apps" });
      expect(channels?.[0]).toContain("ssmmessages:OpenDataChannel");
      expect(sessions).toEqual([
        [
          ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
          [expect.stringMatching(/^arn:\$\{.+\}:logs:us-west-2:\$\{.+\}:log-group:\/agent-fleets\/apps\/exec:\*$/)],
        ],
        [["logs:DescribeLogGroups"], ["*"]],
        [["kms:Decrypt"], [expect.stringMatching(/^\$\{data\.aws_ssm_parameter\..*session-key.*\.insecure_value\}$/)]],
      ]);
      const groups = resources(synthCluster({}, "apps"), "aws_cloudwatch_log_group").map(({ name }) => name);
      expect(groups).toContain("/agent-fleets/apps/exec");
    });

    it.each([
      [undefined, /^arn:\$\{.+\}:kms:us-west-2:\$\{.+\}:key\/none$/],
      ["arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555", /555555555555$/],
    ])("learns from the cluster which key that is (%s)", (kmsKeyArn, key) => {
      const stack = onHosts({ capacityProvider: { stack: "apps" }, enableExecuteCommand: true });
      const read = parametersOf(stack);
      expect(read).toEqual(["/agent-fleets/apps/exec/kms-key-arn"]);
      const published = resources(synthCluster({ kmsKeyArn }, "apps"), "aws_ssm_parameter");
      expect(published.find(({ name }) => name === read[0])?.value).toMatch(key);
    });

    it("gets no more than the channels on a cluster that is not ours", () => {
      expect(entered({ name: "gpu" }, { cluster: { name: "shared" } })).toHaveLength(1);
    });
  });
});
