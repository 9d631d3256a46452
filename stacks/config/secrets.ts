import * as z from "zod";
import type { SecretKey } from "./names.ts";
import { text, wholeNumber } from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";

const byArn = z.strictObject({
  arn: text(
    /^arn:(?:aws|aws-us-gov|aws-cn):(?:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@!-]+|ssm:[a-z0-9-]+:[0-9]{12}:parameter\/[\w./-]+)$/,
    "the ARN of a Secrets Manager secret or an SSM parameter",
  ).describe("An existing Secrets Manager secret or SSM SecureString parameter."),
});

const byVariable = z.strictObject({
  variable: text(/^[a-z_][a-z0-9_]*$/, "the name of a Terraform variable, in lower case").describe(
    "Name of the ephemeral Terraform variable that brings the value (set `TF_VAR_<name>`). It never enters state or plan.",
  ),
  version: wholeNumber(1, 2_147_483_647)
    .default(1)
    .describe("Raise it to have Terraform write the variable's value again."),
});

const source = z.union([byArn, byVariable], {
  error: "must be { arn: … } or { variable: … }: the secret itself never belongs in a config file",
});

const fields = z.strictObject({
  agentToken: source.optional().describe("What agents register with. From a variable: usually `tfc_agent_token`."),
  apiToken: source
    .optional()
    .describe("What the loop reads the vendor's API with. From a variable: usually `tfc_api_token`."),
  notificationToken: source
    .optional()
    .describe("The HMAC key of notifications and run tasks. From a variable: usually `notification_token`."),
  recoveryWindowDays: z
    .union([z.literal(0), z.int().min(7).max(30)], { error: "must be 0 or a whole number from 7 to 30" })
    .default(7)
    .describe("Days in which a destroyed secret can be restored; 0: gone at once."),
});

type Fields = z.output<typeof fields>;

const variableOf = (secrets: Fields, key: SecretKey) => {
  const given = secrets[key];
  return given && "variable" in given ? given.variable : undefined;
};

const differ = (key: SecretKey, other: SecretKey): Rule<Fields> => ({
  path: [key, "variable"],
  reads: [[key], [other]],
  check: (secrets) => {
    const variable = variableOf(secrets, key);
    return variable !== undefined && variable === variableOf(secrets, other)
      ? `must be another variable than the one of secrets.${other}`
      : undefined;
  },
});

/** Where the values of a fleet's secrets come from; never the values. */
export const secrets = withRules(fields, [
  differ("apiToken", "agentToken"),
  differ("notificationToken", "agentToken"),
  differ("notificationToken", "apiToken"),
]);

/** A secret by ARN or by Terraform variable. */
export type SecretSource = z.output<typeof source>;
