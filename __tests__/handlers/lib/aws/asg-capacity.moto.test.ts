import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  CreateLaunchTemplateCommand,
  DescribeImagesCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAsgCapacity } from "../../../../handlers/lib/aws/asg-capacity.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { hasMoto, type Moto, startMoto } from "../../../fakes/moto.ts";

const moto = hasMoto();
if (!moto) process.stderr.write("SKIPPED: a group as capacity on moto, because moto_server is not on the PATH\n");

describe.skipIf(!moto)("an Auto Scaling group as capacity (moto)", () => {
  let server: Moto;
  let autoScaling: AutoScalingClient;
  let ec2: EC2Client;
  let capacity: Capacity;

  beforeAll(async () => {
    server = await startMoto();
    const settings = {
      endpoint: server.url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    };
    autoScaling = new AutoScalingClient(settings);
    ec2 = new EC2Client(settings);
    const { Images: images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
    const { Subnets: subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const { LaunchTemplate: template } = await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: "ci-agents",
        LaunchTemplateData: { ImageId: String(images[0]?.ImageId), InstanceType: "t3.micro" },
      }),
    );
    for (const name of ["ci", "ci-other"]) {
      await autoScaling.send(
        new CreateAutoScalingGroupCommand({
          AutoScalingGroupName: name,
          MinSize: 1,
          MaxSize: 6,
          VPCZoneIdentifier: String(subnets[0]?.SubnetId),
          LaunchTemplate: { LaunchTemplateId: String(template?.LaunchTemplateId), Version: "1" },
        }),
      );
    }
    const clock = createFakeClock(new Date());
    capacity = createAsgCapacity(
      { type: "asg", group: "ci", hook: "retire", bootSeconds: 1200 },
      { autoScaling, ec2, clock, notebook: createNotebookFake() },
    );
  });

  afterAll(async () => {
    autoScaling?.destroy();
    ec2?.destroy();
    await server?.close();
  });

  const desired = async (group = "ci") => {
    const query = new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] });
    return (await autoScaling.send(query)).AutoScalingGroups?.[0]?.DesiredCapacity;
  };

  it("launches two more than the floor, gives one a role, and ends none that runs", async () => {
    const [floor, ...none] = (await capacity.read()).members;
    expect(none).toEqual([]);
    expect(floor).toMatchObject({ agentName: floor?.id, phase: "running", role: undefined, outdated: false });
    await capacity.assignRole?.(String(floor?.id), "floor");

    const requests = [1, 2].map((number) => ({ agentName: `ci_${number}`, role: "burst" as const }));
    expect(await capacity.launch(requests)).toEqual({ launched: 2, failures: [] });
    expect(await desired()).toBe(3);
    const { members } = await capacity.read();
    expect(members.map(({ role }) => role)).toEqual(["floor", undefined, undefined]);

    await capacity.discard?.(String(members[2]?.id), { mayReplace: false });
    expect(await desired()).toBe(3);
    expect(await desired("ci-other")).toBe(1);
  });

  it("asks for no more than the group's maximum", async () => {
    const requests = Array.from({ length: 9 }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" as const }));
    expect(await capacity.launch(requests)).toMatchObject({ launched: 3, failures: [{ kind: "quota", count: 6 }] });
    expect(await desired()).toBe(6);
  });
});
