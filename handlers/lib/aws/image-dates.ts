import { DescribeImagesCommand, type EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { ecrImageOf } from "../core/ecr-image.ts";
import type { ImageDates } from "../core/ports.ts";
import type { CapacityConfig } from "../settings/capacity.ts";
import { readPushedAt } from "./ecr-images.ts";
import type { SignedCall } from "./signed-call.ts";

/**
 * The date of what a pool's agents run on. Of a group: the AMIs of its instances, because a group names none that AWS
 * resolves at launch. Of tasks: the image in ECR. `undefined`: nobody can say, as of an image in another registry.
 */
export function createImageDates(
  capacity: CapacityConfig,
  { ec2, call }: { readonly ec2: EC2Client; readonly call: SignedCall },
): ImageDates | undefined {
  if (capacity.type === "ecs") {
    const image = ecrImageOf(capacity.image ?? "");
    return image && { oldest: () => readPushedAt(image, call) };
  }
  const groups = [capacity.group, ...(capacity.fallback ? [capacity.fallback.group] : [])];
  return { oldest: () => oldestAmi(groups, ec2) };
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html */
async function oldestAmi(groups: readonly string[], ec2: EC2Client): Promise<Date | undefined> {
  const Filters = [
    { Name: "tag:aws:autoscaling:groupName", Values: [...groups] },
    { Name: "instance-state-name", Values: ["pending", "running"] },
  ];
  const ids = new Set<string>();
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters })) {
    for (const { Instances = [] } of Reservations) for (const { ImageId } of Instances) if (ImageId) ids.add(ImageId);
  }
  if (ids.size === 0) return undefined;
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [...ids] }));
  const dates = Images.map(({ CreationDate }) => Date.parse(CreationDate ?? "")).filter((date) => !Number.isNaN(date));
  // Of an AMI that is no longer there nobody knows the age: it may be the oldest.
  return dates.length < ids.size ? undefined : new Date(Math.min(...dates));
}
