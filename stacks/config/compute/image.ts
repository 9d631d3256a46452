import * as z from "zod";

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
