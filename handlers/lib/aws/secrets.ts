import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { secretParts, serviceOf } from "../core/arn.ts";
import { SecretUnavailableError, SecretWithoutValueError } from "../core/errors.ts";
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
/** Two values of a secret; `undefined` if missing, not readable, or not asked for. */
interface Versions {
  readonly current: string | undefined;
  readonly previous: string | undefined;
  /** When the current value was written, and the previous one so replaced. */
  readonly currentSince: Date | undefined;
}

interface KnownSecret {
  readonly current: string;
  readonly previous: string | undefined;
  /** Milliseconds since 1970. */
  readonly previousEnds: number;
  readonly depth: Depth;
  readonly readAt: number;
}

const cacheMilliseconds = 5 * 60_000;
/** A value that leaked must end. Senders have this long to change to the new one. */
export const previousMilliseconds = 24 * 60 * 60_000;

/**
 * Reads secrets from Secrets Manager or SSM, by their ARN, and caches them for five minutes. An ARN may name one key of
 * a JSON secret, as ECS does it, see {@link secretParts}. The previous value counts for 24 hours after the current one
 * was written; without that time in AWS's answer it does not count at all. A failure is not cached and does not change the cache. Values
 * are clean, see {@link cleanSecret}. Every call may reject with {@link SecretUnavailableError}.
 */
export function createSecretReader({
  clock,
  secretsManager = new SecretsManagerClient(clientOptions),
  ssm = new SSMClient(clientOptions),
}: SecretReaderDeps): SecretReader {
  const cache = new Map<string, KnownSecret>();

  async function fetchVersions(arn: string, depth: Depth): Promise<Versions> {
    const service = serviceOf(arn);
    if (service === "secretsmanager") return fromSecretsManager(arn, depth, secretsManager);
    if (service === "ssm") return fromParameterStore(arn, depth, ssm);
    throw new SecretUnavailableError(`${arn} is the ARN of neither a Secrets Manager secret nor an SSM parameter`);
  }

  async function readTo(depth: Depth, arn: string, { fresh = false } = {}): Promise<KnownSecret> {
    const now = clock.now().getTime();
    const known = cache.get(arn);
    const deepEnough = known !== undefined && (depth === "current" || known.depth === "both");
    if (deepEnough && !fresh && now - known.readAt < cacheMilliseconds) return known;
    const versions = await fetchVersions(arn, depth).catch((error: unknown) => explain(arn, error));
    const [current, previous] = [usable(versions.current), usable(versions.previous)];
    if (current === undefined) throw noValue(arn);
    const previousEnds = (versions.currentSince?.getTime() ?? Number.NEGATIVE_INFINITY) + previousMilliseconds;
    const read = { current, previous, previousEnds, depth, readAt: now };
    cache.set(arn, read);
    return read;
  }

  return {
    async readVersions(arn, options) {
      const { current, previous, previousEnds } = await readTo("both", arn, options);
      return previous === undefined || clock.now().getTime() >= previousEnds ? [current] : [current, previous];
    },
    async read(arn, options) {
      return (await readTo("current", arn, options)).current;
    },
  };
}

/** The previous version last: read beside a rotation, it could be the one before that, with the new one's time. */
async function fromSecretsManager(reference: string, depth: Depth, client: SecretsManagerClient): Promise<Versions> {
  const { arn, key } = secretParts(reference);
  const version = (stage: string) => client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: stage }));
  const { SecretString: current, CreatedDate: currentSince } = await version("AWSCURRENT");
  const older = depth === "both" ? await version("AWSPREVIOUS").catch(() => undefined) : undefined;
  const previous = older?.SecretString;
  if (key === undefined || current === undefined) return { current, previous, currentSince };
  const value = valueOfKey(current, key);
  if (value === undefined) {
    throw new SecretUnavailableError(`The secret ${arn} must be a JSON object with text under the key ${key}`);
  }
  return { current: value, previous: previous === undefined ? undefined : valueOfKey(previous, key), currentSince };
}

async function fromParameterStore(arn: string, depth: Depth, client: SSMClient): Promise<Versions> {
  const parameter = async (name: string) =>
    (await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter;
  const current = await parameter(arn);
  const known = { current: current?.Value, previous: undefined, currentSince: current?.LastModifiedDate };
  if (depth === "current" || (current?.Version ?? 1) <= 1) return known;
  const previous = await parameter(`${arn}:${Number(current?.Version) - 1}`).catch(() => undefined);
  return { ...known, previous: previous?.Value };
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

function noValue(arn: string): SecretWithoutValueError {
  return new SecretWithoutValueError(`The secret ${arn} has no value yet: set one with \`fleet secret set\``);
}
