import { type Bridges, withJson } from "./bridge.ts";

/**
 * Lambda. What moto does not do:
 *
 * - remember the KMS key of a function: we do;
 * - invoke functions without Docker: invocations are accepted, and the test runs what it wants.
 */
export function lambdaBridges(): Bridges {
  const keys = new Map<string, unknown>();
  return {
    "lambda:Invoke": async () => ({ status: 202, headers: {}, body: Buffer.alloc(0) }),
    "lambda:*": async ({ input }, forward) => {
      if ("KMSKeyArn" in input) keys.set(String(input.FunctionName), input.KMSKeyArn);
      const answer = await forward();
      return keys.size === 0 ? answer : withJson(answer, (json) => withKey(json, keys));
    },
  };
}

/** What is answered about a function, with the key it was made with. */
function withKey(json: Record<string, unknown>, keys: ReadonlyMap<string, unknown>): object {
  const { Configuration: nested } = json;
  const configuration = typeof nested === "object" && nested ? nested : json;
  const key = "FunctionName" in configuration && keys.get(String(configuration.FunctionName));
  if (key) Object.assign(configuration, { KMSKeyArn: key });
  return json;
}
