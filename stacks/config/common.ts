import * as z from "zod";
import { regionOf } from "../../handlers/lib/core/arn.ts";
import { backend } from "./backend.ts";
import { fleetTag } from "./names.ts";
import { kmsKey, oneOf, policyArn, regionName, text } from "./primitives.ts";
import type { Rule } from "./rules.ts";

const retentionDays = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** How long logs are kept. */
const logs = z.strictObject({
  retentionDays: oneOf(retentionDays).default(30).describe("Days that CloudWatch keeps logs; 0: for ever."),
});

/** Settings for every IAM role of the stack. */
const iam = z.strictObject({
  permissionsBoundaryArn: policyArn.optional().describe("Permissions boundary of every role."),
  path: text(/^\/(?:[\w+=,.@-]+\/)*$/, "an IAM path that starts and ends with a slash, such as /ci/")
    .optional()
    .describe("IAM path of every role."),
});

const constraint = text(
  /^(?:(?:=|!=|>=?|<=?|~>)\s*)?\d+(?:\.\d+){0,2}(?:-[\w.]+)?(?:\s*,\s*(?:=|!=|>=?|<=?|~>)\s*\d+(?:\.\d+){0,2}(?:-[\w.]+)?)*$/,
  'a version constraint in quotes, such as "~> 6.25"',
);

/** Versions of the Terraform providers, in place of those that this project is tested with. */
const providers = z.strictObject({
  aws: constraint.optional().describe("Version of hashicorp/aws, 5.100 or later."),
  tfe: constraint
    .optional()
    .describe(
      "Version of hashicorp/tfe. With an HMAC key in `vendor.manage`: only below 0.75, or only 0.76 and later.",
    ),
  archive: constraint.optional().describe("Version of hashicorp/archive."),
});

const tagText = "letters, digits, spaces and _ . : / = + - @";

/** Not a JSON Schema pattern: editors differ in how they read Unicode classes. */
const isTagText = (value: string, max: number) => value.length <= max && /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(value);

/** ECS adds it to a group of hosts. */
const ecsTag = "amazonecsmanaged";

const tagName = z
  .string()
  .refine((name) => name !== "" && isTagText(name, 128), { error: `must be a tag name: 1 to 128 ${tagText}` })
  .refine((name) => !/^aws:/i.test(name), { error: "must not start with aws:, which AWS reserves" })
  // IAM compares the names of tags without case.
  .refine((name) => name.toLowerCase() !== fleetTag.toLowerCase(), {
    error: `must not be ${fleetTag}, which holds the stack's name: policies rely on it`,
  })
  .refine((name) => !/^AgentFleets/i.test(name) && name.toLowerCase() !== ecsTag, {
    error: "must be another name: the loop or AWS itself reads a tag of this name from instances and tasks",
  });

const tagValueError = `must be text (numbers, true and false in quotes) of at most 256 ${tagText}`;
const tagValue = z.string({ error: tagValueError }).refine((value) => isTagText(value, 256), { error: tagValueError });

/** Tags on everything that can carry them. */
const tags = z.record(tagName, tagValue);

/** Keys that every kind of stack has. */
export const commonFields = {
  region: regionName.describe("AWS region of everything in the stack."),
  kmsKeyArn: kmsKey
    .optional()
    .describe("Customer managed KMS key for secrets, logs, functions and topics. Left out: AWS's own keys."),
  logs: logs.prefault({}).describe("Logs of agents and functions."),
  iam: iam.prefault({}).describe("Settings for every IAM role of the stack."),
  backend: backend.prefault({ type: "local" }).describe("Where Terraform keeps the stack's state."),
  providers: providers
    .prefault({})
    .describe("Version constraints of Terraform providers, in place of the built-in ones."),
  tags: tags.default({}).describe("Tags on everything that can carry them."),
};

/** See {@link commonFields}. */
export type CommonConfig = z.output<z.ZodObject<typeof commonFields>>;

/** Tags that each stack sets on everything. The config may give the second another value. */
const stackTags = [fleetTag, "ManagedBy"];

/**
 * A limit of tags for the resource of a stack with the most of them: AWS takes 50 for each.
 *
 * @param own keys that the stack sets on that resource
 */
export function tagLimit(own: readonly string[]): Rule<{ readonly tags: Readonly<Record<string, string>> }> {
  const most = 50;
  return {
    path: ["tags"],
    reads: [["tags"]],
    check: ({ tags }) => {
      const given = Object.keys(tags);
      const ours = [...stackTags, ...own].filter((name) => !given.includes(name));
      return given.length + ours.length > most
        ? `must have at most ${most - ours.length} entries: AWS takes ${most}, and the stack sets ${ours.join(", ")}`
        : undefined;
    },
  };
}

/** Rules between {@link commonFields}. */
export const commonRules: readonly Rule<CommonConfig>[] = [
  {
    path: ["tags"],
    reads: [["tags"]],
    // IAM roles carry them. IAM: "Tag keys are case insensitive" (IAM User Guide, "Tags for IAM resources").
    check: ({ tags }) => {
      const names = [...new Set([...stackTags, ...Object.keys(tags)])];
      const lower = names.map((name) => name.toLowerCase());
      const twin = names.find((_, index) => lower.indexOf(lower[index] ?? "") < index);
      return twin === undefined
        ? undefined
        : `must not have ${twin} beside ${names[lower.indexOf(twin.toLowerCase())]}: IAM takes names that differ in case for one`;
    },
  },
  {
    path: ["kmsKeyArn"],
    reads: [["kmsKeyArn"], ["region"]],
    check: ({ kmsKeyArn: arn, region }) =>
      arn === undefined || regionOf(arn) === region ? undefined : `must be a key in the stack's region, ${region}`,
  },
];
