import * as z from "zod";
import { type Bridges, type Forward, jsonAnswer, withJson } from "./bridge.ts";
import type { AwsCall } from "./exchange.ts";

const recursionCall = /^(PUT|GET) [^?]*\/functions\/([^/?]+)\/recursion-config\b/;
const mappingCall = /^(\w+) [^?]*\/event-source-mappings\b/;
const mapping = z.looseObject({ UUID: z.string() });
const mappings = z.looseObject({ EventSourceMappings: z.array(mapping) });

/**
 * Lambda. moto does not:
 *
 * - remember the KMS key of a function; we do;
 * - know whether a function may call itself; we do;
 * - invoke functions without Docker. We accept invocations, and the test decides what to run. So moto gets the mappings
 *   of queues to functions as disabled, and we answer them as they were made.
 */
export function lambdaBridges(): Bridges {
  const keys = new Map<string, unknown>();
  /** By the name of the function. */
  const recursion = new Map<string, unknown>();
  /** Ids of the mappings that are disabled in moto only. */
  const enabled = new Set<string>();

  const shown = (each: z.output<typeof mapping>) => (enabled.has(each.UUID) ? { ...each, State: "Enabled" } : each);

  async function map(method: string | undefined, { input }: AwsCall, forward: Forward) {
    const changes = method === "POST" || method === "PUT";
    const answer = await (changes ? forward({ input: { ...input, Enabled: false } }) : forward());
    return withJson(answer, (json) => {
      const many = mappings.safeParse(json);
      if (many.success) return { ...many.data, EventSourceMappings: many.data.EventSourceMappings.map(shown) };
      const one = mapping.parse(json);
      if (changes && input.Enabled !== false) enabled.add(one.UUID);
      else if (changes) enabled.delete(one.UUID);
      return shown(one);
    });
  }

  return {
    "lambda:Invoke": async () => ({ status: 202, headers: {}, body: Buffer.alloc(0) }),
    "lambda:*": async (call, forward) => {
      const { operation, input } = call;
      const [, recursive, name = ""] = recursionCall.exec(operation) ?? [];
      if (recursive === "PUT") recursion.set(name, input.RecursiveLoop);
      if (recursive) return jsonAnswer(200, { RecursiveLoop: recursion.get(name) ?? "Terminate" });
      const [isMapping, method] = mappingCall.exec(operation) ?? [];
      if (isMapping) return map(method, call, forward);
      if ("KMSKeyArn" in input) keys.set(String(input.FunctionName), input.KMSKeyArn);
      const answer = await forward();
      return keys.size === 0 ? answer : withJson(answer, (json) => withKey(json, keys));
    },
  };
}

/** The answer about a function, with the key that it was made with. */
function withKey(json: Record<string, unknown>, keys: ReadonlyMap<string, unknown>): object {
  const { Configuration: nested } = json;
  const configuration = typeof nested === "object" && nested ? nested : json;
  const key = "FunctionName" in configuration && keys.get(String(configuration.FunctionName));
  if (key) Object.assign(configuration, { KMSKeyArn: key });
  return json;
}
