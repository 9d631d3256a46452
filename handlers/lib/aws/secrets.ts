import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { secretParts, serviceOf } from "../core/arn.ts";
import { SecretUnavailableError } from "../core/errors.ts";
import type { Clock, SecretReader } from "../core/ports.ts";
import { cleanSecret, valueOfKey } from "../core/secret-value.ts";
import { clientOptions } from "./client-options.ts";

/** The AWS services that keep secrets, and the time. */
export interface SecretReaderDeps {
  readonly secretsManager?: SecretsManagerClient;
  readonly ssm?: SSMClient;
  readonly clock: Clock;
}

/** The versions of a secret that a reader needs. */
type Depth = "current" | "both";
/** The current and the previous value; `undefined` if missing, not readable, or not asked for. */
type Versions = readonly [current: string | undefined, previous: string | undefined];

const cacheMilliseconds = 5 * 60_000;

/**
 * Reads secrets from Secrets Manager or SSM, by their ARN, and caches them for five minutes. An ARN may name one key of
 * a JSON secret, as ECS does it, see {@link secretParts}. A failure is not cached and does not change the cache. Values
 * are clean, see {@link cleanSecret}. Every call may reject with {@link SecretUnavailableError}.
 */
export function createSecretReader({
  clock,
  secretsManager = new SecretsManagerClient(clientOptions),
  ssm = new SSMClient(clientOptions),
}: SecretReaderDeps): SecretReader {
  const cache = new Map<
    string,
    { readonly values: readonly string[]; readonly depth: Depth; readonly readAt: number }
  >();

  async function fetchVersions(arn: string, depth: Depth): Promise<Versions> {
    const service = serviceOf(arn);
    if (service === "secretsmanager") return fromSecretsManager(arn, depth, secretsManager);
    if (service === "ssm") return fromParameterStore(arn, depth, ssm);
    throw new SecretUnavailableError(`${arn} is the ARN of neither a Secrets Manager secret nor an SSM parameter`);
  }

  async function readTo(depth: Depth, arn: string, { fresh = false } = {}): Promise<readonly string[]> {
    const now = clock.now().getTime();
    const known = cache.get(arn);
    const deepEnough = known !== undefined && (depth === "current" || known.depth === "both");
    if (deepEnough && !fresh && now - known.readAt < cacheMilliseconds) return known.values;
    const versions = await fetchVersions(arn, depth).catch((error: unknown) => explain(arn, error));
    const [current, previous] = versions.map(usable);
    if (current === undefined) throw noValue(arn);
    const values = previous === undefined ? [current] : [current, previous];
    cache.set(arn, { values, depth, readAt: now });
    return values;
  }

  return {
    readVersions: (arn, options) => readTo("both", arn, options),
    async read(arn, options) {
      const [current] = await readTo("current", arn, options);
      return current ?? "";
    },
  };
}

async function fromSecretsManager(reference: string, depth: Depth, client: SecretsManagerClient): Promise<Versions> {
  const { arn, key } = secretParts(reference);
  const version = async (stage: string) =>
    (await client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: stage }))).SecretString;
  const [current, previous] = await Promise.all([
    version("AWSCURRENT"),
    depth === "both" ? version("AWSPREVIOUS").catch(() => undefined) : undefined,
  ]);
  if (key === undefined || current === undefined) return [current, previous];
  const value = valueOfKey(current, key);
  if (value === undefined) {
    throw new SecretUnavailableError(`The secret ${arn} must be a JSON object with text under the key ${key}`);
  }
  return [value, previous === undefined ? undefined : valueOfKey(previous, key)];
}

async function fromParameterStore(arn: string, depth: Depth, client: SSMClient): Promise<Versions> {
  const parameter = async (name: string) =>
    (await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter;
  const current = await parameter(arn);
  if (depth === "current" || (current?.Version ?? 1) <= 1) return [current?.Value, undefined];
  const previous = await parameter(`${arn}:${Number(current?.Version) - 1}`).catch(() => undefined);
  return [current?.Value, previous?.Value];
}

function usable(value: string | undefined): string | undefined {
  return cleanSecret(value ?? "") || undefined;
}

function explain(arn: string, error: unknown): never {
  if (error instanceof SecretUnavailableError) throw error;
  if (error instanceof ResourceNotFoundException || error instanceof ParameterNotFound) throw noValue(arn);
  const reason = error instanceof Error ? error.name : "unknown error";
  throw new SecretUnavailableError(`The secret ${arn} cannot be read: ${reason}`, { cause: error });
}

function noValue(arn: string): SecretUnavailableError {
  return new SecretUnavailableError(`The secret ${arn} has no value yet: set one with \`fleet secret set\``);
}
