import { EC2Client } from "@aws-sdk/client-ec2";
import { afterEach, describe, expect, it } from "vitest";
import { createImageDates } from "../../../../handlers/lib/aws/image-dates.ts";
import { signedCallsOf } from "../../../../handlers/lib/aws/signed-call.ts";
import type { EcsCapacityConfig } from "../../../../handlers/lib/settings/ecs-capacity.ts";
import { type AwsCall, AwsRefusal, answerAws } from "../../../fakes/desk-aws.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { groupConfig } from "./asg-harness.ts";

const region = "eu-west-1";
const tasks: EcsCapacityConfig = {
  type: "ecs",
  cluster: "arn",
  taskDefinition: "ci:1",
  container: "agent",
  capacityProviders: ["FARGATE"],
  subnets: ["subnet-a"],
  securityGroups: ["sg-1"],
  assignPublicIp: "false",
  enableExecuteCommand: false,
  nameVariable: "NAME",
};
const uri = `111122223333.dkr.ecr.${region}.amazonaws.com/agents/ci`;
const opened: HttpFake[] = [];
afterEach(() => Promise.all(opened.splice(0).map((http) => http.close())));

/** The dates of a capacity's images, from an AWS that answers so. */
async function datesOf(
  capacity: Parameters<typeof createImageDates>[0],
  answers: Readonly<Record<string, (input: AwsCall["input"]) => object>>,
) {
  const perform = ({ action, input }: AwsCall) => {
    const answer = answers[action];
    if (!answer) throw new AwsRefusal("AccessDeniedException", action);
    return answer(input);
  };
  const http = await startHttpFake((request) => answerAws(request, perform));
  opened.push(http);
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const ec2 = new EC2Client({ region, endpoint: http.url, credentials, maxAttempts: 1 });
  return createImageDates(capacity, { ec2, call: signedCallsOf(ec2, { AWS_ENDPOINT_URL: http.url }) });
}

/** DescribeInstances of a group whose instances run on these AMIs. */
const instancesOn =
  (...images: readonly string[]) =>
  ({ Filters }: AwsCall["input"]) => {
    expect(Filters).toContainEqual({ Name: "tag:aws:autoscaling:groupName", Values: ["ci"] });
    return { Reservations: [{ Instances: images.map((ImageId) => ({ ImageId })) }] };
  };
/** DescribeImages, which leaves out what is not there (API reference: unless it is named wrongly). */
const amis =
  (dates: Readonly<Record<string, string>>) =>
  ({ ImageIds }: AwsCall["input"]) => ({
    Images: (ImageIds as string[]).flatMap((ImageId) => {
      const CreationDate = dates[ImageId];
      return CreationDate === undefined ? [] : [{ ImageId, CreationDate }];
    }),
  });

describe("the date of what agents run on", () => {
  const made = amis({
    "ami-odd": "last summer",
    "ami-1": "2026-01-01T00:00:00.000Z",
    "ami-2": "2025-06-01T00:00:00.000Z",
  });

  it("is that of the oldest AMI of a group's instances", async () => {
    const dates = await datesOf(groupConfig, {
      "ec2:DescribeInstances": instancesOn("ami-1", "ami-2", "ami-1"),
      "ec2:DescribeImages": made,
    });
    expect(await dates?.oldest()).toEqual(new Date("2025-06-01T00:00:00Z"));
  });

  it.each([
    ["no instance runs", []],
    ["an AMI is gone", ["ami-1", "ami-gone"]],
    ["the date of an AMI is none", ["ami-1", "ami-odd"]],
  ])("is not known where %s", async (_, images) => {
    const dates = await datesOf(groupConfig, {
      "ec2:DescribeInstances": instancesOn(...images),
      "ec2:DescribeImages": made,
    });
    expect(await dates?.oldest()).toBeUndefined();
  });

  it.each([
    [`${uri}:1.4`, { imageTag: "1.4" }],
    [`${uri}@sha256:${"a".repeat(64)}`, { imageDigest: `sha256:${"a".repeat(64)}` }],
  ])("is when an image in ECR was pushed: %s", async (image, id) => {
    const dates = await datesOf(
      { ...tasks, image },
      {
        "ecr:DescribeImages": (input) => {
          expect(input).toEqual({ registryId: "111122223333", repositoryName: "agents/ci", imageIds: [id] });
          return { imageDetails: [{ imagePushedAt: 1_767_225_600 }] };
        },
      },
    );
    expect(await dates?.oldest()).toEqual(new Date("2026-01-01T00:00:00Z"));
  });

  it("is not known of an image that is missing, and AWS's refusal is an error", async () => {
    const missing = await datesOf(
      { ...tasks, image: `${uri}:1` },
      {
        "ecr:DescribeImages": () => {
          throw new AwsRefusal("ImageNotFoundException", "no such image");
        },
      },
    );
    expect(await missing?.oldest()).toBeUndefined();
    const refused = await datesOf({ ...tasks, image: `${uri}:1` }, {});
    await expect(refused?.oldest()).rejects.toThrow("ecr:DescribeImages");
  });

  it.each(["", undefined])("nobody asks for where the stack named no image in ECR: %j", async (image) => {
    expect(await datesOf({ ...tasks, image }, {})).toBeUndefined();
  });
});
