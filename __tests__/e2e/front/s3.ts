import { type Bridges, jsonAnswer } from "./bridge.ts";

const policyCall = /^(GET|PUT|DELETE) \/([^/?]+)\?policy/;

/**
 * S3. moto does not read the conditions of bucket policies. With a policy that refuses requests without TLS it would
 * refuse all requests. So moto gets no policies, and we remember them.
 */
export function s3Bridges(): Bridges {
  const policies = new Map<string, object>();
  return {
    "s3:*": async ({ operation, input }, forward) => {
      const [, method, bucket = ""] = policyCall.exec(operation) ?? [];
      const policy = policies.get(bucket);
      if (method === "PUT") policies.set(bucket, input);
      else if (method === "DELETE") policies.delete(bucket);
      else return method === "GET" && policy ? jsonAnswer(200, policy) : forward();
      return { status: 204, headers: {}, body: Buffer.alloc(0) };
    },
  };
}
