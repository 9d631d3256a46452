import { regionOf } from "../../../handlers/lib/core/arn.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { type SecretKey, secretKeys, secretName } from "../../../stacks/config/names.ts";
import { secretsOfVendor } from "../../../stacks/config/secrets.ts";
import { UserError } from "./errors.ts";

/** One secret of a stack: where its value is kept. */
export interface StackSecret {
  /** Name or ARN of a Secrets Manager secret, or ARN of an SSM parameter. */
  readonly id: string;
  readonly region: string;
  readonly stack: string;
  readonly key: SecretKey;
}

/** The secret that `name` (such as `agent-token`) means in a stack. Throws where the value is not ours to set. */
export function secretOf({ name: stack, file, config }: LoadedStack, name: string): StackSecret {
  if (!("secrets" in config)) {
    throw new UserError(`${file} is of kind ${config.kind}, which has no secrets.`, "Name the stack of a fleet.");
  }
  const key = keyOf(name, secretsOfVendor[config.vendor.type]);
  const source = config.secrets[key];
  if (source === undefined) return { id: secretName(stack, key), region: config.region, stack, key };
  if ("arn" in source) return { id: source.arn, region: regionOf(source.arn) ?? config.region, stack, key };
  throw new UserError(
    `${file} says that ${name} comes from the Terraform variable ${source.variable}.`,
    `Set TF_VAR_${source.variable}, raise secrets.${key}.version, and deploy the stack.`,
  );
}

/** Throws for a value that the agents could not use, where it shows. */
export function checkValue({ stack, key }: StackSecret, value: string): void {
  if (key !== "poolPrivateKey") return;
  if (Buffer.from(value, "base64").toString("latin1").includes("PRIVATE KEY-----")) return;
  throw new UserError(
    "This is not a private key in base64, as Spacelift's launcher wants it.",
    `Encode the file of the key: base64 < spacelift.key | npx fleet secret set ${stack} ${secretKeys[key]}`,
  );
}

/** Writes the value; it is held in no file, argument or message. */
export async function putSecret(secret: StackSecret, value: string): Promise<void> {
  // Only here, because loading the AWS SDK takes a quarter of a second.
  const { writeSecret } = await import("./secret-store.ts");
  if (await writeSecret(secret, value)) return;
  throw new UserError(
    `There is no secret ${secret.id} in ${secret.region}, as far as this AWS identity can see.`,
    `Deploy the stack first (cdktf deploy ${secret.stack}), and check AWS_PROFILE.`,
  );
}

function keyOf(name: string, known: readonly SecretKey[]): SecretKey {
  const key = known.find((candidate) => secretKeys[candidate] === name);
  if (key) return key;
  const names = known.map((candidate) => secretKeys[candidate]);
  throw new UserError(`This fleet has no secret named "${name}".`, `Name one of ${names.join(", ")}.`);
}
