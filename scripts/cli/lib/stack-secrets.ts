import { regionOf, secretParts } from "../../../handlers/lib/core/arn.ts";
import { cleanSecret, secretTrouble } from "../../../handlers/lib/core/secret-value.ts";
import type { FleetFields } from "../../../stacks/config/fleet.ts";
import { isStrongKey, strongKeyCommand, strongKeyRule } from "../../../stacks/config/key-strength.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { secretName } from "../../../stacks/config/names.ts";
import type { VendorSecret } from "../../../stacks/config/secrets.ts";
import { type SecretKey, vendors } from "../../../stacks/config/vendors/index.ts";
import { explain, UserError } from "./errors.ts";

/** One secret of a stack, and where its value is kept. */
export interface StackSecret {
  /** Name or ARN of a Secrets Manager secret, or ARN of an SSM parameter. */
  readonly id: string;
  readonly region: string;
  readonly stack: string;
  /** What the vendor says of it. */
  readonly facts: VendorSecret;
}

/** A secret of a stack, with the source of its value. */
export interface SecretSource extends StackSecret {
  /** Its key below `secrets` in the config. */
  readonly key: SecretKey;
  /** The key of a JSON secret that is its value. */
  readonly jsonKey?: string | undefined;
  /** The Terraform variable with its value. */
  readonly variable?: string | undefined;
}

/** The secrets that fleets of the stack's vendor may have. Throws {@link UserError} if the stack is no fleet. */
export function secretsOf({ name: stack, file, config }: LoadedStack): readonly SecretSource[] {
  if (!("secrets" in config)) {
    throw new UserError(
      `${file} is of kind ${config.kind}, which has no secrets.`,
      "Give the name of a fleet's stack.",
    );
  }
  const sources: FleetFields["secrets"] = config.secrets;
  return (Object.entries(vendors[config.vendor.type].secrets) as [SecretKey, VendorSecret][]).map(([key, facts]) => {
    const source = sources[key];
    const own = { key, facts, stack, id: secretName(stack, facts.name), region: config.region };
    if (source === undefined) return own;
    if ("variable" in source) return { ...own, variable: source.variable };
    const { arn, key: jsonKey } = secretParts(source.arn);
    return { ...own, id: arn, region: regionOf(arn) ?? config.region, jsonKey };
  });
}

/**
 * Whether agents come without this secret, too, though later: only the webhook reads it, and the loop asks the vendor for
 * jobs by itself.
 */
export function onlyWakes({ facts }: StackSecret, { config }: LoadedStack): boolean {
  const isToldAlone =
    config.kind === "ecs-fleet" && "demand" in config.vendor && config.vendor.demand === "notifications";
  return facts.previousCounts === true && !isToldAlone;
}

/** The secret with this name (such as `agent-token`) in a stack. Throws if this command may not set its value. */
export function secretOf(loaded: LoadedStack, name: string): StackSecret {
  const all = secretsOf(loaded);
  const found = all.find(({ facts }) => facts.name === name);
  if (!found) {
    const names = all.map(({ facts }) => facts.name);
    throw new UserError(`This fleet has no secret named "${name}".`, `Its secrets are ${names.join(", ")}.`);
  }
  if (found.jsonKey !== undefined) {
    throw new UserError(
      `In ${loaded.file}, ${name} is one key of a secret that holds more.`,
      "Change the key's value in Secrets Manager. Nothing was changed.",
    );
  }
  if (found.variable === undefined) return found;
  throw new UserError(
    `In ${loaded.file}, ${name} comes from the Terraform variable ${found.variable}.`,
    `Set TF_VAR_${found.variable}, raise secrets.${found.key}.version, and deploy the stack.`,
  );
}

/** The clean value, as it is stored. Throws for one that cannot be this secret. */
function usableValue(secret: StackSecret, given: string): string {
  const value = cleanSecret(given);
  const trouble = valueTrouble(secret, value);
  if (trouble) throw trouble;
  return value;
}

/** Why a clean value cannot be this secret, without the value. `undefined`: its form is right. */
export function valueTrouble(
  { stack, facts: { name, form, signs, severalLines = false } }: StackSecret,
  value: string,
): UserError | undefined {
  const trouble = secretTrouble(value, { severalLines });
  if (trouble) return new UserError(`The value ${trouble}.`, "Nothing was changed.");
  if (signs && !isStrongKey(value)) {
    const command = `${strongKeyCommand} | npm run fleet -- secret set ${stack} ${name}`;
    return new UserError(`The value ${strongKeyRule}.`, `Nothing was changed. Make a strong key: ${command}`);
  }
  if (form === undefined || form.fits(value)) return undefined;
  return new UserError(form.error, form.hint(`npm run fleet -- secret set ${stack} ${name}`));
}

/**
 * Writes the value, without the blanks and line breaks around it. It appears in no file, argument or message.
 *
 * @param options.revokePrevious writes it twice, so that the version before the current one holds it, too. Then nothing
 * that accepts the previous version accepts an older value.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export async function putSecret(
  secret: StackSecret,
  given: string,
  { revokePrevious = false }: { readonly revokePrevious?: boolean } = {},
): Promise<void> {
  const value = usableValue(secret, given);
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { writeSecret } = await import("./secret-store.ts");
  if (await writeSecret(secret, value)) {
    if (revokePrevious) await writeAgain(() => writeSecret(secret, value));
    return;
  }
  throw new UserError(
    `This AWS identity sees no secret ${secret.id} in ${secret.region}.`,
    `Deploy the stack first (cdktf deploy ${secret.stack}). Check AWS_PROFILE.`,
  );
}

async function writeAgain(write: () => Promise<boolean>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new UserError(
      `The new value is set, but the one from before is not revoked: ${explain(error).error}`,
      "Run the command again with the same value.",
    );
  }
}
