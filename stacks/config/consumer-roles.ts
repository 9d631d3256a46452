import * as z from "zod";
import { policyArn, text, uniqueList, wholeNumber } from "./primitives.ts";

const inlinePolicy = z.looseObject(
  {
    Version: z.literal("2012-10-17").describe("Version of IAM's policy language."),
    Statement: z.array(z.looseObject({})).min(1).describe("Statements of an IAM policy."),
  },
  { error: "must be an IAM policy with Version and Statement" },
);

const consumerRole = z.strictObject({
  name: text(
    /^[a-z][a-z0-9-]{0,22}$/,
    "1 to 23 lower-case letters, digits and hyphens, starting with a letter (IAM's 64 also hold the stack's name)",
  ).describe("The role is called `<stack>-<name>`."),
  externalId: text(/^[\w+=,.@:/-]{2,1224}$/, "2 to 1224 letters, digits and +=,.@:/-_")
    .optional()
    .describe("External id that a job must send to assume the role."),
  managedPolicyArns: uniqueList(policyArn).default([]).describe("IAM policies attached to the role."),
  policy: inlinePolicy.optional().describe("An inline policy with the rights of this role."),
  maxSessionSeconds: wholeNumber(3600, 43_200)
    .default(3600)
    .describe(
      "Longest session. Agents assume this role from their own role, and AWS limits such sessions to one hour.",
    ),
  sessionTags: z.boolean().default(false).describe("Whether jobs may tag their session (sts:TagSession)."),
});

/** Roles that jobs on the agents may assume. */
export const consumerRoles = z
  .array(consumerRole)
  .refine((roles) => new Set(roles.map(({ name }) => name)).size === roles.length, { error: "must not repeat a name" });

/** One of {@link consumerRoles}. */
export type ConsumerRoleConfig = z.output<typeof consumerRole>;
