import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  paginateListSecretVersionIds,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import {
  DescribeParametersCommand,
  GetParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { previousMilliseconds } from "../../../handlers/lib/aws/secrets.ts";
import { serviceOf } from "../../../handlers/lib/core/arn.ts";
import { cleanSecret, valueOfKey } from "../../../handlers/lib/core/secret-value.ts";

/** A secret in AWS. */
interface StoredSecret {
  /** Name or ARN of a Secrets Manager secret, or ARN of an SSM parameter. */
  readonly id: string;
  readonly region: string;
}

/** What AWS tells of a stored value without showing it. */
export interface StoredState {
  /** When the current value was written. `undefined`: there is no value. */
  readonly since: Date | undefined;
  /** Until when the webhook would accept the value from before, which exists. */
  readonly previousUntil: Date | undefined;
  /** When AWS deletes the secret, which somebody asked for. Until then nobody can read it. */
  readonly deletion: Date | undefined;
}

/** Looks at a secret without asking for its value. Resolves to `undefined` if there is no such secret. */
export async function readState(secret: StoredSecret): Promise<StoredState | undefined> {
  try {
    return await (serviceOf(secret.id) === "ssm" ? stateOfParameter(secret) : stateOfSecret(secret));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * A secret that Terraform made without a value has no version. AWS's pages do not say whether one that is about to be
 * deleted still lists its versions, so its date is asked for.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
 */
async function stateOfSecret({ id, region }: StoredSecret): Promise<StoredState> {
  const client = new SecretsManagerClient({ ...clientOptions, region });
  const { DeletedDate: deletion } = await client.send(new DescribeSecretCommand({ SecretId: id }));
  let since: Date | undefined;
  let hasPrevious = false;
  for await (const { Versions = [] } of paginateListSecretVersionIds({ client }, { SecretId: id })) {
    for (const { VersionStages = [], CreatedDate } of Versions) {
      if (VersionStages.includes("AWSCURRENT")) since = CreatedDate;
      hasPrevious ||= VersionStages.includes("AWSPREVIOUS");
    }
  }
  return { since, previousUntil: hasPrevious ? endOfPrevious(since) : undefined, deletion };
}

/** Without decryption SSM answers with the value of a SecureString as it is encrypted. Nothing keeps it. */
async function stateOfParameter({ id, region }: StoredSecret): Promise<StoredState> {
  const client = new SSMClient({ ...clientOptions, region });
  const { Parameter: parameter } = await client.send(new GetParameterCommand({ Name: id }));
  const since = parameter?.LastModifiedDate;
  const hasPrevious = (parameter?.Version ?? 1) > 1;
  return { since, previousUntil: hasPrevious ? endOfPrevious(since) : undefined, deletion: undefined };
}

function endOfPrevious(since: Date | undefined): Date | undefined {
  return since && new Date(since.getTime() + previousMilliseconds);
}

function isMissing(error: unknown): boolean {
  return error instanceof ParameterNotFound || error instanceof ResourceNotFoundException;
}

/**
 * The clean value of a secret, or of one key of it; `undefined`: there is no such secret, or it has no value. For looks
 * at its form: never show it.
 */
export async function readValue(secret: StoredSecret, jsonKey?: string): Promise<string | undefined> {
  try {
    const value = await (serviceOf(secret.id) === "ssm" ? valueOfParameter(secret) : valueOfSecret(secret));
    const part = jsonKey === undefined ? value : valueOfKey(value ?? "", jsonKey);
    return part === undefined ? undefined : cleanSecret(part);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function valueOfSecret({ id, region }: StoredSecret): Promise<string | undefined> {
  const client = new SecretsManagerClient({ ...clientOptions, region });
  return (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
}

async function valueOfParameter({ id, region }: StoredSecret): Promise<string | undefined> {
  const client = new SSMClient({ ...clientOptions, region });
  return (await client.send(new GetParameterCommand({ Name: id, WithDecryption: true }))).Parameter?.Value;
}

/** Writes a new value. Resolves to `false` if there is no such secret, and makes none. */
export async function writeSecret(secret: StoredSecret, value: string): Promise<boolean> {
  const isParameter = serviceOf(secret.id) === "ssm";
  try {
    await (isParameter ? putParameter(secret, value) : putSecretValue(secret, value));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function putSecretValue({ id, region }: StoredSecret, value: string): Promise<void> {
  const client = new SecretsManagerClient({ ...clientOptions, region });
  await client.send(new PutSecretValueCommand({ SecretId: id, SecretString: value }));
}

/** Overwrites a parameter by name. Without its present key in the request, SSM would use AWS's own key. */
async function putParameter({ id, region }: StoredSecret, value: string): Promise<void> {
  const client = new SSMClient({ ...clientOptions, region });
  const { Parameter: parameter } = await client.send(new GetParameterCommand({ Name: id }));
  const filter = { Key: "Name", Option: "Equals", Values: [parameter?.Name ?? id] };
  const { Parameters: described } = await client.send(new DescribeParametersCommand({ ParameterFilters: [filter] }));
  await client.send(
    new PutParameterCommand({
      Name: parameter?.Name,
      Value: value,
      Type: "SecureString",
      Overwrite: true,
      KeyId: described?.[0]?.KeyId,
    }),
  );
}
