import * as z from "zod";
import { regionOf } from "../../handlers/lib/core/arn.ts";
import { type SecretKey, secretKeys } from "./names.ts";
import { kmsKey, secretOrParameterArn, text, wholeNumber } from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";

/** The key of a secret that is not the stack's. */
export const ownKey = kmsKey
  .optional()
  .describe("Customer managed KMS key that encrypts it. Left out: the stack's `kmsKeyArn`, or AWS's own key.");

/** What must hold between a secret and its key. */
export const ownKeyRules: readonly Rule<{ readonly arn: string; readonly kmsKeyArn?: string | undefined }>[] = [
  {
    path: ["kmsKeyArn"],
    reads: [["kmsKeyArn"], ["arn"]],
    check: ({ arn, kmsKeyArn }) =>
      kmsKeyArn === undefined || regionOf(kmsKeyArn) === regionOf(arn)
        ? undefined
        : `must be a key in the secret's region, ${regionOf(arn)}`,
  },
];

/** A secret that exists already. */
export const byArn = withRules(
  z.strictObject({
    arn: secretOrParameterArn.describe("An existing Secrets Manager secret or SSM SecureString parameter."),
    kmsKeyArn: ownKey,
  }),
  ownKeyRules,
);

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

/** What each secret is, and the Terraform variable that usually brings it. */
const descriptions: { readonly [Key in SecretKey]: string } = {
  agentToken: "What agents register with. From a variable: usually `tfc_agent_token`.",
  apiToken: "What the loop reads the vendor's API with. From a variable: usually `tfc_api_token`.",
  notificationToken: "The HMAC key of notifications and run tasks. From a variable: usually `notification_token`.",
  workerPoolToken: "The worker pool's token (SPACELIFT_TOKEN). From a variable: usually `worker_pool_config`.",
  poolPrivateKey: "The worker pool's private key, in base64. From a variable: usually `worker_pool_private_key`.",
  apiKeySecret:
    "Secret of the API key that reads and drains the pool. From a variable: usually `spacelift_api_key_secret`.",
  agentTypeToken: "Registration token of the agent type. From a variable: usually `agent_type_token`.",
  pat: "Personal access token. From a variable: usually `ado_pat`.",
  clientSecret: "Secret of the Entra application. From a variable: usually `ado_client_secret`.",
  hookSecret: "What service hooks show to be let in. From a variable: usually `ado_hook_secret`.",
};

/** The secrets that the vendors' fleets may have. */
export const secretsOfVendor = {
  "hcp-terraform": ["agentToken", "apiToken", "notificationToken"],
  spacelift: ["workerPoolToken", "poolPrivateKey", "apiKeySecret"],
  semaphore: ["agentTypeToken"],
  "azure-devops": ["pat", "clientSecret", "hookSecret"],
} as const satisfies { readonly [vendor: string]: readonly SecretKey[] };

const keys = Object.keys(secretKeys) as SecretKey[];

type Sources = { [Key in SecretKey]: z.ZodOptional<typeof source> };

/** A mapping of some secrets, typed as if it could hold all: what it does not know it refuses. */
function fieldsFor(known: readonly SecretKey[]) {
  const sources = known.map((key) => [key, source.optional().describe(descriptions[key])]);
  return z.strictObject({
    ...(Object.fromEntries(sources) as Sources),
    recoveryWindowDays: z
      .union([z.literal(0), z.int().min(7).max(30)], { error: "must be 0 or a whole number from 7 to 30" })
      .default(7)
      .describe("Days in which a destroyed secret can be restored; 0: gone at once."),
  });
}

type Fields = z.output<ReturnType<typeof fieldsFor>>;

const variableOf = (secrets: Fields, key: SecretKey) => {
  const given = secrets[key];
  return given && "variable" in given ? given.variable : undefined;
};

const differ = (key: SecretKey): Rule<Fields> => {
  const others = keys.slice(0, keys.indexOf(key));
  return {
    path: [key, "variable"],
    reads: [key, ...others].map((each) => [each]),
    check: (secrets) => {
      const variable = variableOf(secrets, key);
      const other = others.find((each) => variable !== undefined && variableOf(secrets, each) === variable);
      return other && `must be another variable than the one of secrets.${other}`;
    },
  };
};

/** Where the values of a fleet's secrets come from, never the values; of fleets of these vendors. */
export function secretsOf(...vendors: readonly (keyof typeof secretsOfVendor)[]) {
  const known = keys.filter((key) => vendors.some((vendor) => secretsOfVendor[vendor].some((each) => each === key)));
  return withRules(fieldsFor(known), known.map(differ))
    .prefault({})
    .describe(
      "Where secrets come from; never the values. One that is left out is created empty and filled by `fleet secret set`.",
    );
}

/** What must hold between a fleet's secrets and its vendor. */
export const secretRules: readonly Rule<{
  readonly vendor: { readonly type: keyof typeof secretsOfVendor };
  readonly secrets: Fields;
}>[] = keys.map((key) => ({
  path: ["secrets", key],
  reads: [
    ["vendor", "type"],
    ["secrets", key],
  ],
  check: ({ vendor: { type }, secrets: given }) => {
    const known: readonly SecretKey[] = secretsOfVendor[type];
    return given[key] === undefined || known.includes(key)
      ? undefined
      : `must be left out: the secrets of ${type} are ${known.join(", ")}`;
  },
}));

/** A secret by ARN or by Terraform variable. */
export type SecretSource = z.output<typeof source>;
