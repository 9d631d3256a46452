import {
  PutSecretValueCommand,
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
import { serviceOf } from "../../../handlers/lib/core/arn.ts";

/** A secret in AWS. */
interface StoredSecret {
  /** Name or ARN of a Secrets Manager secret, or ARN of an SSM parameter. */
  readonly id: string;
  readonly region: string;
}

/** Writes a new value. Resolves to `false` if there is no such secret, and makes none. */
export async function writeSecret(secret: StoredSecret, value: string): Promise<boolean> {
  const isParameter = serviceOf(secret.id) === "ssm";
  try {
    await (isParameter ? putParameter(secret, value) : putSecretValue(secret, value));
    return true;
  } catch (error) {
    if (error instanceof ParameterNotFound || error instanceof ResourceNotFoundException) return false;
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
