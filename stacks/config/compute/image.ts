import * as z from "zod";
import { ecrImageOf } from "../../../handlers/lib/core/ecr-image.ts";
import { regionalArn } from "../primitives.ts";

/** The default image of HCP Terraform's agents. */
export const tfcAgentImage = "hashicorp/tfc-agent:1.30.2";

/** A container image with a version. */
export const containerImage = z
  .string({ error: "must be a container image with a tag or digest" })
  .regex(/^[a-z0-9][\w.:@/-]*$/, { error: `must be a container image such as ${tfcAgentImage}` })
  .refine((reference) => reference.includes("@sha256:") || /:(?!latest$)[^:/]+$/.test(reference), {
    error:
      `must be pinned to a version, such as ${tfcAgentImage}, or a digest: ` +
      "with `latest` or no tag every launch could run another version, untested and different from its neighbours",
  });

/** Whether a first pull may make the repository of a pull-through cache. */
export const createCacheRepository = z
  .boolean()
  .default(false)
  .describe(
    "Whether the first pull of an image through a pull-through cache of ECR may create its repository " +
      "(`ecr:CreateRepository` on it alone). Left out: it must be there.",
  );

/** The credentials of a private registry. */
export const repositoryCredentialsArn = regionalArn(
  "secretsmanager",
  "secret:[\\w/+=.@!-]+",
  "the ARN of a Secrets Manager secret",
).optional();

/** IAM gives access to images in ECR. As "must …". */
export function needlessCredentials(image: string | undefined, credentialsArn: string | undefined): string | undefined {
  return credentialsArn !== undefined && image !== undefined && ecrImageOf(image)
    ? "must be left out with an image in ECR, for which IAM gives the rights"
    : undefined;
}
