import { regionOf } from "../../../handlers/lib/core/arn.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { type SecretKey, secretKeys, secretName } from "../../../stacks/config/names.ts";
import { secretsOfVendor } from "../../../stacks/config/secrets.ts";
import { UserError } from "./errors.ts";

/** One secret of a stack, and where its value is kept. */
export interface StackSecret {
  /** Name or ARN of a Secrets Manager secret, or ARN of an SSM parameter. */
  readonly id: string;
  readonly region: string;
  readonly stack: string;
  readonly key: SecretKey;
}

/** The secret with this name (such as `agent-token`) in a stack. Throws if this command may not set its value. */
export function secretOf({ name: stack, file, config }: LoadedStack, name: string): StackSecret {
  if (!("secrets" in config)) {
    throw new UserError(
      `${file} is of kind ${config.kind}, which has no secrets.`,
      "Give the name of a fleet's stack.",
    );
  }
  const key = keyOf(name, secretsOfVendor[config.vendor.type]);
  const source = config.secrets[key];
  if (source === undefined) return { id: secretName(stack, key), region: config.region, stack, key };
  if ("arn" in source) return { id: source.arn, region: regionOf(source.arn) ?? config.region, stack, key };
  throw new UserError(
    `In ${file}, ${name} comes from the Terraform variable ${source.variable}.`,
    `Set TF_VAR_${source.variable}, raise secrets.${key}.version, and deploy the stack.`,
  );
}

/** Throws for a value that agents obviously could not use. */
export function checkValue({ stack, key }: StackSecret, value: string): void {
  if (key !== "poolPrivateKey") return;
  if (Buffer.from(value, "base64").toString("latin1").includes("PRIVATE KEY-----")) return;
  throw new UserError(
    "This is not a private key in base64, which Spacelift's launcher requires.",
    `Encode the key's file: base64 < spacelift.key | npx fleet secret set ${stack} ${secretKeys[key]}`,
  );
}

/** Writes the value. It appears in no file, argument or message. */
export async function putSecret(secret: StackSecret, value: string): Promise<void> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { writeSecret } = await import("./secret-store.ts");
  if (await writeSecret(secret, value)) return;
  throw new UserError(
    `This AWS identity sees no secret ${secret.id} in ${secret.region}.`,
    `Deploy the stack first (cdktf deploy ${secret.stack}). Check AWS_PROFILE.`,
  );
}

function keyOf(name: string, known: readonly SecretKey[]): SecretKey {
  const key = known.find((candidate) => secretKeys[candidate] === name);
  if (key) return key;
  const names = known.map((candidate) => secretKeys[candidate]);
  throw new UserError(`This fleet has no secret named "${name}".`, `Its secrets are ${names.join(", ")}.`);
}
