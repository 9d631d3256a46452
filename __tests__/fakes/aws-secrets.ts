import * as z from "zod";
import { type FakeAnswer, type HttpFake, startHttpFake } from "./http-fake.ts";

/** The part of Secrets Manager and SSM Parameter Store that the CLI calls. */
export interface AwsSecretsFake extends HttpFake {
  /** Secrets Manager: name or ARN → value; a secret must be known to be set. */
  readonly secrets: Map<string, string>;
  /** SSM: name → parameter. */
  readonly parameters: Map<string, { value: string; keyId: string }>;
  /** The value before the current one, of secrets and parameters: each write moves the current value here. */
  readonly previous: Map<string, string>;
  /** When the current value was written, in seconds since 1970. */
  readonly written: Map<string, number>;
  /** Secrets Manager: when AWS deletes the secret, in seconds since 1970. */
  readonly deletions: Map<string, number>;
  /** Environment variables that point the AWS SDK at this fake. */
  readonly env: Readonly<Record<string, string>>;
}

const arnPrefix = /^arn:aws:ssm:[^:]+:\d+:parameter/;

/** Starts the fake. It answers by the operation in `X-Amz-Target`. */
export async function startAwsSecretsFake(): Promise<AwsSecretsFake> {
  const secrets = new Map<string, string>();
  const parameters = new Map<string, { value: string; keyId: string }>();
  const previous = new Map<string, string>();
  const written = new Map<string, number>();
  const deletions = new Map<string, number>();

  const actions: Record<string, (body: unknown) => FakeAnswer> = {
    "secretsmanager.PutSecretValue": (body) => {
      const { SecretId, SecretString } = z.object({ SecretId: z.string(), SecretString: z.string() }).parse(body);
      if (!secrets.has(SecretId)) return failure("ResourceNotFoundException");
      previous.set(SecretId, secrets.get(SecretId) ?? "");
      secrets.set(SecretId, SecretString);
      return json({ Name: SecretId });
    },
    "secretsmanager.GetSecretValue": (body) => {
      const { SecretId } = z.object({ SecretId: z.string() }).parse(body);
      const value = secrets.get(SecretId);
      return value === undefined ? failure("ResourceNotFoundException") : json({ ARN: SecretId, SecretString: value });
    },
    "secretsmanager.DescribeSecret": (body) => {
      const { SecretId } = z.object({ SecretId: z.string() }).parse(body);
      if (!secrets.has(SecretId)) return failure("ResourceNotFoundException");
      return json({ Name: SecretId, DeletedDate: deletions.get(SecretId) });
    },
    // One version a page, the older one first: callers must read all pages.
    "secretsmanager.ListSecretVersionIds": (body) => {
      const { SecretId, NextToken } = z.object({ SecretId: z.string(), NextToken: z.string().optional() }).parse(body);
      if (!secrets.has(SecretId)) return failure("ResourceNotFoundException");
      const since = written.get(SecretId) ?? 0;
      const versions = [
        ...(previous.get(SecretId) ? [{ VersionStages: ["AWSPREVIOUS"], CreatedDate: since - 60 }] : []),
        ...(secrets.get(SecretId) ? [{ VersionStages: ["AWSCURRENT"], CreatedDate: since }] : []),
      ];
      const from = Number(NextToken ?? 0);
      const more = from + 1 < versions.length;
      return json({ Versions: versions.slice(from, from + 1), ...(more && { NextToken: String(from + 1) }) });
    },
    "AmazonSSM.GetParameter": (body) => {
      const { Name, WithDecryption } = z
        .object({ Name: z.string(), WithDecryption: z.boolean().default(false) })
        .parse(body);
      const path = Name.replace(arnPrefix, "");
      const name = [path, path.replace(/^\//, "")].find((candidate) => parameters.has(candidate));
      if (!name) return failure("ParameterNotFound");
      const Version = previous.get(name) ? 2 : 1;
      const LastModifiedDate = written.get(name) ?? 0;
      const Value = WithDecryption ? parameters.get(name)?.value : "ciphertext";
      return json({ Parameter: { Name: name, Type: "SecureString", Value, Version, LastModifiedDate } });
    },
    "AmazonSSM.DescribeParameters": (body) => {
      const filters = z
        .object({ ParameterFilters: z.tuple([z.object({ Values: z.tuple([z.string()]) })]) })
        .parse(body);
      const [name] = filters.ParameterFilters[0].Values;
      return json({ Parameters: [{ Name: name, KeyId: parameters.get(name)?.keyId }] });
    },
    "AmazonSSM.GetParametersByPath": (body) => {
      const { Path, NextToken } = z.object({ Path: z.string(), NextToken: z.string().optional() }).parse(body);
      const below = [...parameters].filter(([name]) => name.startsWith(`${Path}/`)).sort();
      const from = Number(NextToken ?? 0);
      // AWS answers at most ten at a time.
      const page = below.slice(from, from + 10).map(([Name, { value }]) => ({ Name, Value: value, Type: "String" }));
      return json({ Parameters: page, ...(from + 10 < below.length && { NextToken: String(from + 10) }) });
    },
    "AmazonSSM.DeleteParameter": (body) => {
      const { Name } = z.object({ Name: z.string() }).parse(body);
      return parameters.delete(Name) ? json({}) : failure("ParameterNotFound");
    },
    "AmazonSSM.PutParameter": (body) => {
      const wanted = z
        .object({
          Name: z.string().refine((name) => !name.startsWith("arn:")),
          Value: z.string(),
          Type: z.enum(["SecureString", "String"]),
          Overwrite: z.literal(true),
          KeyId: z.string().default("alias/aws/ssm"),
        })
        .parse(body);
      previous.set(wanted.Name, parameters.get(wanted.Name)?.value ?? "");
      parameters.set(wanted.Name, { value: wanted.Value, keyId: wanted.KeyId });
      return json({ Version: 2 });
    },
  };

  const http = await startHttpFake((request) => {
    const action = actions[String(request.headers["x-amz-target"])];
    return action ? action(JSON.parse(request.body.toString())) : failure("UnknownOperationException");
  });
  const env = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: http.url,
    AWS_ENDPOINT_URL_SSM: http.url,
    AWS_ACCESS_KEY_ID: "test-key-id",
    AWS_SECRET_ACCESS_KEY: "test-secret-key",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  return Object.assign(http, { secrets, parameters, previous, written, deletions, env });
}

function json(body: unknown): FakeAnswer {
  return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, json: body };
}

function failure(type: string): FakeAnswer {
  return { status: 400, headers: { "content-type": "application/x-amz-json-1.1" }, json: { __type: type } };
}
