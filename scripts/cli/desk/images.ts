import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { DescribeTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import * as z from "zod";
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

const ecrImage =
  /^(?<registry>\d{12})\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(?<repository>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>.+))?$/;
const ecrAnswer = z.object({ imageDetails: z.array(z.object({ imagePushedAt: z.number() })).min(1) });

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
  const parts = ecrImage.exec(name)?.groups;
  if (!parts) return { poolName, name, builtAt: undefined, why: "its registry is not asked" };
  if (parts.region !== region) return { poolName, name, builtAt: undefined, why: `it is in ${parts.region}` };
  const { registry = "", repository = "", tag = "latest", digest } = parts;
  try {
    const input = {
      registryId: registry,
      repositoryName: repository,
      imageIds: [digest === undefined ? { imageTag: tag } : { imageDigest: digest }],
    };
    const { imageDetails } = ecrAnswer.parse(JSON.parse(await call("ecr", "DescribeImages", input)));
    return { poolName, name, builtAt: new Date((imageDetails[0]?.imagePushedAt ?? 0) * 1000), why: undefined };
  } catch (error) {
    const isMissing = error instanceof Error && /^(Image|Repository)NotFoundException$/.test(error.name);
    if (isMissing) return { poolName, name, builtAt: undefined, why: "there is no such image" };
    throw error;
  }
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
    const builtAt = found?.CreationDate === undefined ? undefined : new Date(found.CreationDate);
    return { poolName, name, builtAt, why: builtAt ? undefined : "AWS shows no such AMI" };
  });
}
