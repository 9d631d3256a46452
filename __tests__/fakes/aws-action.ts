import type { FakeRequest } from "../../scripts/simulate/world/fetch-over.ts";

/** IAM's prefix of a service, where requests are signed for another name. */
const prefixes: Readonly<Record<string, string>> = { monitoring: "cloudwatch" };

/** Actions of services whose requests name none, by method and path. */
const paths: readonly (readonly [pattern: RegExp, action: string])[] = [
  [/^GET \/2015-03-31\/functions\/[^/]+\/configuration$/, "GetFunctionConfiguration"],
  [/^GET \/2019-09-30\/functions\/[^/]+\/concurrency$/, "GetFunctionConcurrency"],
  [/^GET \/2015-03-31\/functions\/[^/]+\/policy$/, "GetPolicy"],
  [/^GET \/2015-03-31\/event-source-mappings$/, "ListEventSourceMappings"],
  [/^GET \/2016-08-19\/account-settings$/, "GetAccountSettings"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/invocations$/, "InvokeFunction"],
  [/^[A-Z]+ \/([A-Z]\w+)$/, "$1"],
];

/**
 * The action of a request to AWS as IAM names it, such as `ecs:ListTasks`. `undefined`: no request to AWS.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html the service is in the signature's scope
 */
export function awsActionOf({ method, path, headers, body }: FakeRequest): string | undefined {
  const service = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(String(headers.authorization))?.[1];
  if (service === undefined) return undefined;
  const target = String(headers["x-amz-target"] ?? "").split(".")[1];
  const form = new URLSearchParams(body.toString()).get("Action");
  const request = `${method} ${path.replace(/\/$/, "")}`;
  const [pattern, name] = paths.find(([each]) => each.test(request)) ?? [];
  const byPath = pattern && name && request.replace(pattern, name);
  return `${prefixes[service] ?? service}:${target ?? form ?? byPath ?? request}`;
}
