import type { LoadedStack } from "../../../stacks/config/load.ts";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";
import type { SynthOptions } from "./own-folder.ts";
import { readOutputs } from "./read-outputs.ts";
import { type SecretSource, secretsOf } from "./stack-secrets.ts";
import { webhookUrl } from "./webhook-url.ts";

/** The webhook of a deployed stack, for those who are to call it. */
export interface StackWebhook {
  readonly url: string;
  /** The HMAC key, from the stack's secret. Throws if it has no value. */
  readKey(): Promise<string>;
}

/** Reads the URL from the outputs of a stack. @param secretName the name of the secret with the key */
export async function readStackWebhook(
  context: Context,
  loaded: LoadedStack,
  secretName: string,
  options: SynthOptions,
): Promise<StackWebhook> {
  const { name } = loaded;
  const secret = secretsOf(loaded).find(({ facts }) => facts.name === secretName);
  const url = (await readOutputs(context, name, options)).webhook_url?.value;
  if (typeof url !== "string" || secret === undefined) {
    throw new UserError(
      `The state of ${name} has no output webhook_url.`,
      `Deploy the stack first, with a webhook: fleet deploy ${name}. Nothing was changed.`,
    );
  }
  return { url: webhookUrl(url), readKey: () => storedKey(secret) };
}

async function storedKey(secret: SecretSource): Promise<string> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { readValue } = await import("./secret-store.ts");
  const key = await readValue(secret, secret.jsonKey);
  if (key) return key;
  throw new UserError(
    `${secret.facts.name} of ${secret.stack} has no value yet, or this AWS identity does not see it.`,
    `Set it first: fleet secret set ${secret.stack} ${secret.facts.name}. Check AWS_PROFILE.`,
  );
}
