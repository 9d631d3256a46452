import { createHash, createHmac } from "node:crypto";

/** Credentials as the AWS SDK resolves them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request before it is signed. `headers` are all signed, with lower-case names, `host` among them. */
interface Unsigned {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An error of AWS, named as AWS names it, with the status where the SDK's own errors have it. */
class AwsError extends Error {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(
    override readonly name: string,
    message: string,
    status: number,
  ) {
    super(message);
    this.$metadata = { httpStatusCode: status };
  }
}

/** Services that we ask a few read-only questions, without a client package for each. */
const services = {
  events: { host: "events", variable: "EVENTBRIDGE", target: "AWSEvents" },
  ecr: { host: "api.ecr", variable: "ECR", target: "AmazonEC2ContainerRegistry_V20150921" },
  sns: { host: "sns", variable: "SNS", target: undefined },
} as const;

const timeoutMilliseconds = 10_000;

/** {@link signedCall} with its region and credentials. */
export type SignedCall = (
  service: keyof typeof services,
  action: string,
  input: Readonly<Record<string, string | object>>,
) => Promise<string>;

/** Calls with the region and the credentials of a client of the SDK. */
export function signedCallsOf(
  { config }: { readonly config: { region(): Promise<string>; credentials(): Promise<Credentials> } },
  env: Readonly<Record<string, string | undefined>> = process.env,
): SignedCall {
  return async (...request) =>
    signedCall({ region: await config.region(), credentials: await config.credentials(), env }, ...request);
}

/**
 * A `POST` to EventBridge, ECR or SNS, signed as
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html describes. The first two
 * speak JSON (`X-Amz-Target`), SNS takes a form and answers in XML. `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<service>`
 * choose another address, as for the SDK's clients.
 *
 * @returns the answer's text
 * @throws an error with AWS's own name for it
 */
export async function signedCall(
  {
    region,
    credentials,
    env,
  }: { region: string; credentials: Credentials; env: Readonly<Record<string, string | undefined>> },
  service: keyof typeof services,
  action: string,
  input: Readonly<Record<string, string | object>>,
): Promise<string> {
  const { host, variable, target } = services[service];
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL(
    env[`AWS_ENDPOINT_URL_${variable}`] ?? env.AWS_ENDPOINT_URL ?? `https://${host}.${region}.${suffix}`,
  );
  const body = target
    ? JSON.stringify(input)
    : String(new URLSearchParams({ Action: action, Version: "2010-03-31", ...(input as Record<string, string>) }));
  const headers = {
    "content-type": target ? "application/x-amz-json-1.1" : "application/x-www-form-urlencoded",
    host: url.host,
    "x-amz-date": new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ""),
    ...(target && { "x-amz-target": `${target}.${action}` }),
    ...(credentials.sessionToken && { "x-amz-security-token": credentials.sessionToken }),
  };
  const authorization = signatureOf({ headers, body }, { region, service, credentials });
  const { host: _, ...sent } = headers;
  const response = await reach(url, {
    method: "POST",
    headers: { ...sent, authorization },
    body,
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMilliseconds),
  });
  const text = await response.text();
  if (response.ok) return text;
  throw errorOf(text, response.status);
}

/** `fetch` hides why it failed in the cause of its error. */
async function reach(...request: Parameters<typeof fetch>): Promise<Response> {
  try {
    return await fetch(...request);
  } catch (error) {
    if (!(error instanceof Error && error.cause instanceof Error)) throw error;
    // It gives no reason at all for status 407.
    throw error.cause.message ? error.cause : new Error("the answer that came is none of AWS's");
  }
}

/** The `Authorization` header of a `POST` to `/`. */
export function signatureOf(
  { headers, body }: Unsigned,
  { region, service, credentials }: { region: string; service: string; credentials: Credentials },
): string {
  const time = headers["x-amz-date"] ?? "";
  const day = time.slice(0, 8);
  const names = Object.keys(headers).sort();
  const canonical = [
    "POST",
    "/",
    "",
    ...names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/\s+/g, " ")}`),
    "",
    names.join(";"),
    hash(body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n");
  const key = [day, region, service, "aws4_request"].reduce<Buffer | string>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
}

/** AWS may echo what was sent, so only the error's name and first line are kept, and no part of the signature. */
function errorOf(text: string, status: number): AwsError {
  const find = (...patterns: readonly RegExp[]) => patterns.map((pattern) => pattern.exec(text)?.[1]).find(Boolean);
  const name = find(/"__type"\s*:\s*"(?:[^"]*#)?([^"]+)"/, /<Code>([^<]+)<\/Code>/) ?? `HTTP ${status}`;
  const message = find(/"[Mm]essage"\s*:\s*"([^"]*)"/, /<Message>([^<]*)<\/Message>/) ?? "AWS gives no reason";
  const isSignature = /signature|token/i.test(name);
  return new AwsError(name, isSignature ? "AWS does not accept these credentials" : message, status);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
