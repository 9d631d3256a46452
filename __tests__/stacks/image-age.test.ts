import { describe, expect, it } from "vitest";
import { load } from "./config/files.ts";
import { fleet } from "./ec2-fleet.ts";
import { minimal, resources, rightsOf, type Synthesized, synthesize, theOnly, theSettings } from "./synth.ts";

const inEcr = (region: string) => `111122223333.dkr.ecr.${region}.amazonaws.com/agents/ci:1.4`;
const published = synthesize({ ...minimal, alarms: { imageAgeDays: 30 } });
const ofEcr = synthesize({ ...minimal, compute: { image: inEcr("us-west-2") }, alarms: { imageAgeDays: 30 } });
const built = synthesize({
  kind: "ecs-fleet",
  region: "us-west-2",
  vendor: { type: "azure-devops", organization: "acme" },
  pools: [
    { key: "linux", name: "Linux" },
    { key: "own", name: "Own", compute: { image: "ghcr.io/acme/agent:2" } },
  ],
  alarms: { imageAgeDays: 30 },
});
const group = fleet({ alarms: { imageAgeDays: 30 } });

const dates = (stack: Synthesized) =>
  rightsOf(stack, "autoscale").filter(({ Action }) => /:DescribeImages/.test(String(Action)));
const alarms = (stack: Synthesized) =>
  resources(stack, "aws_cloudwatch_metric_alarm").filter(({ alarm_name: name }) => /image-old$/.test(String(name)));
const board = (stack: Synthesized) => String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body);

describe("the age of images", () => {
  it("is asked for by the loop of a group, and of tasks whose image is in ECR, with no right on other images", () => {
    expect(dates(group)).toMatchObject([{ Resource: ["*"] }]);
    expect(dates(ofEcr)).toMatchObject([
      {
        Action: ["ecr:DescribeImages"],
        Resource: [expect.stringMatching(/:ecr:us-west-2:111122223333:repository\/agents\/ci$/)],
      },
    ]);
    expect(dates(built)).toMatchObject([
      { Resource: [expect.stringMatching(/aws_ecr_repository\./), expect.anything()] },
    ]);
    expect(dates(published)).toEqual([]);
    expect(dates(synthesize({ ...minimal, compute: { image: inEcr("eu-west-1") } }))).toEqual([]);
    expect(theSettings(ofEcr).capacity).toMatchObject({ image: inEcr("us-west-2") });
    expect(theSettings(published).capacity).not.toHaveProperty("image");
  });

  it("has an alarm only if the config asks for it, of those pools whose image's age the loop knows", () => {
    expect(alarms(group)).toMatchObject([{ threshold: 30 * 86_400, metric_name: "ImageAgeSeconds" }]);
    expect(alarms(built).map(({ alarm_name: name }) => name)).toEqual(["ci-linux-image-old"]);
    expect(alarms(published)).toEqual([]);
    expect(alarms(fleet({}))).toEqual([]);
  });

  it("is on the dashboard, which says where nobody knows it, and shows no 0 for that", () => {
    expect(board(group)).toContain("age0 / 86400");
    expect(board(group)).not.toContain("not known");
    expect(board(published)).toContain("Age of the agents' image (days): not known.**");
    expect(board(published)).not.toContain("ImageAgeSeconds");
    expect(board(built)).toContain("Age of the agents' image (days): not known of own.**");
    expect(board(built).match(/"ImageAgeSeconds","Fleet","ci","Pool","(\w+)"/g)).toHaveLength(1);
  });

  it("is a warning where the config asks for an alarm that can never ring", () => {
    const warnings = (more: string) =>
      load({
        "config/fleet.yaml": `kind: ecs-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n${more}`,
      }).warnings;
    expect(warnings("alarms: { imageAgeDays: 30 }\n")).toEqual([
      expect.stringMatching(
        /alarms\.imageAgeDays: rings for no image outside of ECR in us-west-2: hashicorp\/tfc-agent:/,
      ),
    ]);
    expect(warnings(`alarms: { imageAgeDays: 30 }\ncompute: { image: "${inEcr("us-west-2")}" }\n`)).toEqual([]);
    expect(warnings("")).toEqual([]);
  });
});
