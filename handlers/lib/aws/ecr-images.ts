import * as z from "zod";
import type { EcrImage } from "../core/ecr-image.ts";
import type { SignedCall } from "./signed-call.ts";

const answer = z.object({ imageDetails: z.array(z.object({ imagePushedAt: z.number() })).min(1) });

/**
 * When an image was pushed. Needs `ecr:DescribeImages` on its repository; for one of another account also its policy.
 *
 * @returns `undefined`: there is no such image
 * @throws AWS's errors
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 */
export async function readPushedAt(
  { account, repository, tag, digest }: EcrImage,
  call: SignedCall,
): Promise<Date | undefined> {
  const input = {
    registryId: account,
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
