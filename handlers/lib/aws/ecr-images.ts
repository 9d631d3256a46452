import * as z from "zod";
import type { SignedCall } from "./signed-call.ts";

const uri =
  /^(?<registry>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.[a-z.]+\/(?<repository>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>.+))?$/;
const answer = z.object({ imageDetails: z.array(z.object({ imagePushedAt: z.number() })).min(1) });

/** An image in ECR, as its API names it. */
export interface EcrImage {
  readonly registry: string;
  readonly region: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

/** The image with this name; `undefined`: another registry has it. */
export function ecrImage(name: string): EcrImage | undefined {
  const { registry, region, repository, tag = "latest", digest } = uri.exec(name)?.groups ?? {};
  return registry && region && repository ? { registry, region, repository, tag, digest } : undefined;
}

/**
 * When an image was pushed. Needs `ecr:DescribeImages` on its repository; for one of another account also its policy.
 *
 * @returns `undefined`: there is no such image
 * @throws AWS's errors
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 */
export async function readPushedAt(
  { registry, repository, tag, digest }: EcrImage,
  call: SignedCall,
): Promise<Date | undefined> {
  const input = {
    registryId: registry,
    repositoryName: repository,
    imageIds: [digest === undefined ? { imageTag: tag } : { imageDigest: digest }],
  };
  try {
    const { imageDetails } = answer.parse(JSON.parse(await call("ecr", "DescribeImages", input)));
    return new Date((imageDetails[0]?.imagePushedAt ?? 0) * 1000);
  } catch (error) {
    if (error instanceof Error && /^(Image|Repository)NotFoundException$/.test(error.name)) return undefined;
    throw error;
  }
}
