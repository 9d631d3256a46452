import * as z from "zod";
import { bucketName, hcpOrganization, hcpWorkspace, hostname, regionName, text } from "./primitives.ts";

const local = z.strictObject({
  type: z.literal("local").describe("State in a file on this machine."),
  path: z
    .string()
    .min(1)
    .refine((path) => !path.startsWith("~"), { error: "must be a path that no shell has to complete" })
    .refine((path) => !/^(\.\/)*cdktf\.out(\/|$)/.test(path), {
      error: "must lie outside cdktf.out, where cdktf deletes the folders of stacks without a config",
    })
    .optional()
    .describe(
      "State file: absolute, or relative to the folder that holds `cdktf.out`. Left out: `state/terraform.<stack>.tfstate`.",
    ),
});

/** State in S3. */
export const s3 = z.strictObject({
  type: z.literal("s3").describe("State in an S3 bucket."),
  bucket: bucketName.describe("The bucket's name."),
  key: text(/^[^/\s][^\s]*$/, "an object key without a leading slash")
    .optional()
    .describe("Object key of the state. Left out: `agent-fleets/<stack>.tfstate`."),
  region: regionName.optional().describe("The bucket's region. Left out: the stack's."),
  useLockfile: z
    .boolean()
    .default(true)
    .describe("Whether to lock with an object beside the state (Terraform ≥ 1.10)."),
  dynamodbTable: text(/^[\w.-]{3,255}$/, "the name of a DynamoDB table")
    .optional()
    .describe("DynamoDB table to lock with, the older way."),
  kmsKeyId: z.string().min(1).optional().describe("KMS key that encrypts the state: id, alias or ARN."),
  profile: z.string().min(1).optional().describe("AWS profile that reads and writes the state."),
});

/** State in HCP Terraform. */
export const cloud = z.strictObject({
  type: z.literal("cloud").describe("State and runs in an HCP Terraform or Terraform Enterprise workspace."),
  organization: hcpOrganization.describe("The organization."),
  workspace: hcpWorkspace.describe("The workspace: one per stack."),
  hostname: hostname.default("app.terraform.io").describe("Host of HCP Terraform or Terraform Enterprise."),
});

/** Where Terraform keeps the stack's state. */
export const backend = z.discriminatedUnion("type", [local, s3, cloud]);
