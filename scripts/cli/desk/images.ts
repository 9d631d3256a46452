import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { DescribeTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { readPushedAt } from "../../../handlers/lib/aws/ecr-images.ts";
import { ecrImageOf } from "../../../handlers/lib/core/ecr-image.ts";
import type { DeskClients } from "./clients.ts";
import type { Machine } from "./machines.ts";
import type { Place } from "./pools.ts";

/** What new agents of a pool run on. */
export interface Image {
  readonly poolName: string;
  /** A container image, or an AMI. */
  readonly name: string;
  readonly builtAt: Date | undefined;
  /** Why its age is unknown. */
  readonly why: string | undefined;
}

/** The rights that {@link readImages} needs. */
export const imageRights = ["ecs:DescribeTaskDefinition", "ecr:DescribeImages", "ec2:DescribeImages"];

/** Reads the age of each pool's image. Throws AWS's errors. */
export async function readImages(
  {
    places,
    region,
    machines,
  }: { readonly places: readonly Place[]; readonly region: string; readonly machines: readonly Machine[] },
  clients: DeskClients,
): Promise<readonly Image[]> {
  const lists = await Promise.all(
    places.map(async ({ poolName, capacity }) => {
      if (capacity.type === "asg") return imagesOfInstances(poolName, machines, clients);
      const { taskDefinition } = await clients.ecs.send(
        new DescribeTaskDefinitionCommand({ taskDefinition: capacity.taskDefinition }),
      );
      const container = taskDefinition?.containerDefinitions?.find(({ name }) => name === capacity.container);
      return container?.image === undefined ? [] : [await imageOf(poolName, container.image, region, clients)];
    }),
  );
  return lists.flat();
}

async function imageOf(poolName: string, name: string, region: string, { call }: DeskClients): Promise<Image> {
  const image = ecrImageOf(name);
  if (!image) return { poolName, name, builtAt: undefined, why: "its registry is not asked" };
  if (image.region !== region) return { poolName, name, builtAt: undefined, why: `it is in ${image.region}` };
  const builtAt = await readPushedAt(image, call);
  return { poolName, name, builtAt, why: builtAt ? undefined : "there is no such image" };
}

/** The group names no AMI that AWS resolves at launch, so those of the present instances are shown. */
async function imagesOfInstances(
  poolName: string,
  machines: readonly Machine[],
  { ec2 }: DeskClients,
): Promise<Image[]> {
  const ids = [...new Set(machines.flatMap(({ image }) => image ?? []))];
  if (ids.length === 0) return [];
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: ids }));
  return ids.map((name) => {
    const found = Images.find(({ ImageId }) => ImageId === name);
    const built = new Date(found?.CreationDate ?? "");
    const builtAt = Number.isNaN(built.getTime()) ? undefined : built;
    const missing = found ? "AWS does not say when it was made" : "AWS shows no such AMI";
    return { poolName, name, builtAt, why: builtAt ? undefined : missing };
  });
}
