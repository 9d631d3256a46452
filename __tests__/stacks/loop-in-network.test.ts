import { describe, expect, it } from "vitest";
import { stackConfig } from "../../stacks/config/schema.ts";
import { spacelift } from "./ec2-fleet.ts";
import { minimal, resources, rightsOf, synthesize } from "./synth.ts";

const inNetwork = { loop: { inNetwork: true } };

describe("a loop that runs in the fleet's network", () => {
  const networks = (stack: ReturnType<typeof synthesize>) =>
    new Map(resources(stack, "aws_lambda_function").map((each) => [each.function_name, each.vpc_config]));

  it("is asked for: by default no function is in a network", () => {
    expect(new Set(networks(synthesize(spacelift)).values())).toEqual(new Set([undefined]));
  });

  it("takes along what asks the vendor, and nothing else, into the agents' subnets and behind their groups", () => {
    const stack = synthesize({ ...spacelift, ...inNetwork });
    const [group] = resources(stack, "aws_autoscaling_group");
    const place = {
      subnet_ids: group?.vpc_zone_identifier,
      security_group_ids: [expect.stringContaining("agents-security-group")],
    };
    expect(networks(stack)).toEqual(
      new Map([
        ["ci-autoscale", place],
        ["ci-retire", place],
        ["ci-release", undefined],
      ]),
    );
  });

  it("takes along the webhook where that answers the vendor's run tasks", () => {
    const vendor = {
      ...minimal.vendor,
      manage: { runTask: { name: "wake", workspaces: ["net"], stages: ["pre_plan"] } },
    };
    const secrets = { notificationToken: { variable: "notification_token" } };
    const webhookOf = (config: object) => networks(synthesize({ ...minimal, ...config })).get("ci-webhook");
    expect(webhookOf(inNetwork)).toBeUndefined();
    expect(webhookOf({ vendor, secrets })).toBeUndefined();
    expect(webhookOf({ vendor, secrets, ...inNetwork })).toBeDefined();
  });

  it("joins networks that are given or shared", () => {
    const given = { vpcId: "vpc-01234567", subnetIds: ["subnet-01234567", "subnet-12345678"] };
    expect(networks(synthesize({ ...minimal, ...inNetwork, network: given })).get("ci-autoscale")).toMatchObject({
      subnet_ids: given.subnetIds,
    });
    const shared = synthesize({ ...minimal, ...inNetwork, network: { stack: "ground" } });
    expect(networks(shared).get("ci-autoscale")).toMatchObject({ subnet_ids: expect.stringMatching(/split/) });
  });

  it("lets Lambda make network interfaces, but not the function itself", () => {
    const statement = (config: object, role: string) =>
      rightsOf(synthesize({ ...spacelift, ...config }), role).find(({ Action }) =>
        Action.includes("ec2:CreateNetworkInterface"),
      );
    for (const role of ["autoscale", "retire_retire-role"]) {
      expect(statement(inNetwork, role)).toMatchObject({ Condition: { Null: { "lambda:SourceFunctionArn": "true" } } });
      expect(statement({}, role)).toBeUndefined();
    }
    expect(statement(inNetwork, "release_release-role")).toBeUndefined();
  });

  it.each([
    [{ create: { egress: "public-ip" } }],
    [{ vpcId: "vpc-01234567", subnetIds: ["subnet-01234567"], assignPublicIp: true }],
  ])("is refused where agents have public IPs: %j", (network) => {
    const { error } = stackConfig.safeParse({ ...minimal, ...inNetwork, network });
    expect(error?.issues).toMatchObject([
      { path: ["loop", "inNetwork"], message: expect.stringContaining("must be false") },
    ]);
  });
});
