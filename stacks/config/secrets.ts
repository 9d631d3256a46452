import * as z from "zod";
import { regionOf } from "../../handlers/lib/core/arn.ts";
import { kmsKey, secretOrParameterArn, text, wholeNumber } from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";

/** The KMS key of a secret that the stack did not create. */
export const ownKey = kmsKey
  .optional()
  .describe("Customer managed KMS key that encrypts it. Left out: the stack's `kmsKeyArn`, or AWS's own key.");

/** Rules between a secret and its key. */
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

/** An existing secret. */
export const byArn = withRules(
  z.strictObject({
    arn: secretOrParameterArn.describe(
      "An existing Secrets Manager secret (with `:key::` for one key of its JSON) or SSM SecureString parameter.",
    ),
    kmsKeyArn: ownKey,
  }),
  ownKeyRules,
);

const byVariable = z.strictObject({
  variable: text(/^[a-z_][a-z0-9_]*$/, "the name of a Terraform variable, in lower case").describe(
    "Ephemeral Terraform variable with the value (set `TF_VAR_<name>`). The value never enters state or plan.",
  ),
  version: wholeNumber(1, 2_147_483_647)
    .default(1)
    .describe("Increase this number to make Terraform write the variable's value again."),
});

const source = z.union([byArn, byVariable], {
  error: "must be { arn: … } or { variable: … }: the secret itself never belongs in a config file",
});

/** A secret that fleets of a vendor need. */
export interface VendorSecret {
  /** Its name on the command line and, below `agent-fleets/<stack>/`, in Secrets Manager: in kebab case. */
  readonly name: string;
  /** A sentence about its purpose. */
  readonly description: string;
  /** The usual Terraform variable for it. */
  readonly variable: string;
  /** Whether its value is base64, which may be broken into lines. @default false */
  readonly severalLines?: boolean;
  /** Whether it is a key that signs. Weak values are refused: `key-strength.ts`. @default false */
  readonly signs?: boolean;
  /** Whether the webhook also accepts the value from before for a while, see `readVersions` of `SecretReader`. @default false */
  readonly previousCounts?: boolean;
  /** Checks the form of its value, where that is possible. */
  readonly form?: {
    fits(value: string): boolean;
    /** The error about a value that does not fit. */
    readonly error: string;
    /** What to do instead. @param command the command that sets the secret */
    hint(command: string): string;
  };
}

interface VendorWithSecrets {
  readonly id: string;
  readonly secrets: Readonly<Record<string, VendorSecret>>;
}

/** The keys of the secrets of some vendors. */
type SecretKeyOf<Vendor extends VendorWithSecrets> = Vendor extends unknown ? keyof Vendor["secrets"] & string : never;

const recoveryWindowDays = z
  .union([z.literal(0), z.int().min(7).max(30)], { error: "must be 0 or a whole number from 7 to 30" })
  .default(7)
  .describe(
    "Days in which a destroyed secret can be restored. Until then its name is taken: a stack of the same name cannot be " +
      "deployed. 0, for trials: it is deleted at once, for good.",
  );

type Sources = Readonly<Record<string, SecretSource | undefined>>;
type FieldsOf<Key extends string> = { [K in Key]: z.ZodOptional<typeof source> } & {
  recoveryWindowDays: typeof recoveryWindowDays;
};

/** The schema of `secrets` for fleets of these vendors: sources of the values, never the values. */
export function secretsOf<Vendor extends VendorWithSecrets>(vendors: readonly Vendor[]) {
  const keys = keysOf(vendors);
  const fields = {
    ...Object.fromEntries(keys.map((key) => [key, source.optional().describe(describe(key, vendors))])),
    recoveryWindowDays,
  } as FieldsOf<SecretKeyOf<Vendor>>;
  return (
    withRules(z.strictObject(fields), keys.map((key) => differ(key, keys)) as readonly Rule<unknown>[])
      // Valid for all keys, since each may be left out. TypeScript cannot prove that for keys that it does not know.
      .prefault({} as never)
      .describe(
        "Sources of secrets, never their values. Left out: the stack creates an empty secret, and `fleet secret set` fills it.",
      )
  );
}

function keysOf(vendors: readonly VendorWithSecrets[]): readonly string[] {
  return [...new Set(vendors.flatMap(({ secrets }) => Object.keys(secrets)))];
}

/** The purpose of a secret; if several vendors use this key, the purpose for each of them. */
function describe(key: string, vendors: readonly VendorWithSecrets[]): string {
  const texts = vendors.flatMap(({ id, secrets }) => {
    const secret = secrets[key];
    return secret ? [{ id, text: `${secret.description} From a variable: usually \`${secret.variable}\`.` }] : [];
  });
  return texts.map(({ id, text }) => (texts.length > 1 ? `With ${id}: ${text}` : text)).join(" ");
}

function variableOf(secrets: Sources, key: string): string | undefined {
  const given = secrets[key];
  return given && "variable" in given ? given.variable : undefined;
}

function differ(key: string, keys: readonly string[]): Rule<Sources> {
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
}

/** A fleet may only set secrets of its own vendor. @param vendors the vendors of the fleet's kind */
export function secretRules(vendors: readonly VendorWithSecrets[]): readonly Rule<{
  readonly vendor: { readonly type: string };
  readonly secrets: object;
}>[] {
  return keysOf(vendors).map((key) => ({
    path: ["secrets", key],
    reads: [
      ["vendor", "type"],
      ["secrets", key],
    ],
    check: ({ vendor: { type }, secrets: given }) => {
      const known = vendors.find(({ id }) => id === type)?.secrets ?? {};
      return (given as Sources)[key] === undefined || Object.hasOwn(known, key)
        ? undefined
        : `must be left out: the secrets of ${type} are ${Object.keys(known).join(", ")}`;
    },
  }));
}

/** A secret by ARN or by Terraform variable. */
export type SecretSource = z.output<typeof source>;
