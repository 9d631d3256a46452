import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

/** A request to an AWS API. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What an AWS API answers. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One call of an AWS API. */
export interface AwsCall {
  /**
   * Access key id of the caller. A deployed function: its name. A workflow: `role:` and its role. An instance: its
   * session as AWS names it, `AROA…:i-…`. All others: `test`.
   */
  readonly caller: string;
  /** Such as `ecs`. */
  readonly service: string;
  /** Such as `RunTask`. */
  readonly operation: string;
  /** The request's JSON or form. With `Invoke`: the function's name and the event. */
  readonly input: Readonly<Record<string, unknown>>;
}

const functionPath = /^\/2015-03-31\/functions\/([^/?]+)(\/invocations)?/;

/** Reads the call from a request. */
export function callOf(exchange: Exchange): AwsCall {
  const { method, path, headers, body } = exchange;
  const signed = /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "");
  const [, caller = "", service = ""] = signed ?? [];
  const [, functionName, invocations] = functionPath.exec(path) ?? [];
  const target = headers["x-amz-target"];
  const form = isForm(exchange);
  const input = {
    ...(functionName !== undefined && { FunctionName: decodeURIComponent(functionName) }),
    ...(form ? formOf(exchange) : jsonOf(body)),
  };
  const action = form && "Action" in input ? String(input.Action) : undefined;
  const named = typeof target === "string" ? target.replace(/^.*\./, "") : action;
  return { caller, service, operation: named ?? (invocations ? "Invoke" : `${method} ${path}`), input };
}

/** The same request for another operation of its service, or with another input. */
export function changedExchange(
  exchange: Exchange,
  { operation, input }: { readonly operation?: string; readonly input: AwsCall["input"] },
): Exchange {
  const target = exchange.headers["x-amz-target"];
  if (!isForm(exchange)) {
    const named = typeof target === "string" && operation !== undefined && target.replace(/[^.]*$/, operation);
    const headers = { ...exchange.headers, ...(named && { "x-amz-target": named }) };
    return { ...exchange, headers, body: Buffer.from(JSON.stringify(input)) };
  }
  const { Action, Version } = formOf(exchange);
  const form = Object.entries({ ...input, Action: operation ?? Action, Version }).map(([name, value]) => [
    name,
    String(value),
  ]);
  return { ...exchange, body: Buffer.from(new URLSearchParams(Object.fromEntries(form)).toString()) };
}

function isForm({ headers }: Exchange): boolean {
  return headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
}

function formOf({ body }: Exchange): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body.toString("utf8")));
}

/** Parses a body as a JSON object. Returns an empty object if it is none. */
export function jsonOf(body: Buffer): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body.toString("utf8"));
    return typeof json === "object" && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}

/** Reads a stream to its end. */
export async function readBody(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Forwards requests to another server, over connections that stay open until it is closed. */
export function createForwarder(url: string): { forward(exchange: Exchange): Promise<Answer>; close(): void } {
  const agent = new Agent({ keepAlive: true });
  return {
    forward: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          `${url}${path}`,
          { method, agent, headers: { ...headers, "content-length": String(body.byteLength) } },
          (response) => {
            readBody(response).then(
              (answer) => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: answer }),
              reject,
            );
          },
        );
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
