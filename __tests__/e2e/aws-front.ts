import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";

/** One call of a deployed function, as AWS got it. */
export interface AwsCall {
  /** Access key id of the caller: here the name of the function. */
  readonly caller: string;
  /** Such as `ecs`. */
  readonly service: string;
  /** Such as `RunTask`. */
  readonly operation: string;
  /** The request's JSON. With `Invoke`: the function's name, and the event. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** The AWS API that everything is deployed to: moto, with a few of its gaps closed. */
export interface AwsFront {
  readonly url: string;
  /** Calls of deployed functions, in order. */
  readonly calls: readonly AwsCall[];
  /** Called when a task has been started. */
  onTaskStarted: (() => void) | undefined;
  /** The services that any of the texts to watch for was sent to. */
  readonly toldTo: ReadonlyMap<string, ReadonlySet<string>>;
  close(): Promise<void>;
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const taskDefinition = z.looseObject({
  containerDefinitions: z.array(z.looseObject({ memoryReservation: z.number().optional() })),
});

const functionPath = /^\/2015-03-31\/functions\/([^/?]+)/;

/**
 * Starts the front. What moto does not do:
 *
 * - run tasks for a capacity provider strategy: it gets a launch type instead;
 * - run tasks whose containers share the task's memory: it is told that each has some of its own;
 * - know a client token again, which makes a repeated call harmless;
 * - remember the KMS key of a function: we do;
 * - invoke functions without Docker: invocations are accepted, and the test runs what it wants.
 */
export async function startAwsFront(moto: string, watchFor: readonly string[]): Promise<AwsFront> {
  const calls: AwsCall[] = [];
  const toldTo = new Map<string, Set<string>>(watchFor.map((text) => [text, new Set()]));
  const launches = new Map<string, Promise<Answer>>();
  const functionKeys = new Map<string, unknown>();
  const agent = new Agent({ keepAlive: true });

  async function handle(exchange: Exchange): Promise<Answer> {
    const { caller, service } = callerOf(exchange.headers);
    for (const [text, services] of toldTo) if (exchange.body.includes(text)) services.add(service);
    const operation = operationOf(exchange);
    const [, encodedName] = functionPath.exec(exchange.path) ?? [];
    const input: AwsCall["input"] = {
      ...(encodedName !== undefined && { FunctionName: decodeURIComponent(encodedName) }),
      ...inputOf(exchange),
    };
    if (caller !== "test") calls.push({ caller, service, operation, input });

    if (service === "lambda") {
      if (operation === "Invoke") return { status: 202, headers: {}, body: Buffer.alloc(0) };
      if ("KMSKeyArn" in input) functionKeys.set(String(input.FunctionName), input.KMSKeyArn);
      return withKey(await forward(exchange), functionKeys);
    }
    if (service !== "ecs") return forward(exchange);
    const adapted = { ...exchange, body: Buffer.from(JSON.stringify(toMoto(operation, input))) };
    if (operation !== "RunTask") return fromMoto(await forward(adapted));
    const token = String(input.clientToken);
    const answer = launches.get(token) ?? launch(adapted);
    launches.set(token, answer);
    return answer;
  }

  async function launch(exchange: Exchange): Promise<Answer> {
    const answer = await forward(exchange);
    if (answer.status === 200) front.onTaskStarted?.();
    return answer;
  }

  function forward({ method, path, headers, body }: Exchange): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        `${moto}${path}`,
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
    });
  }

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = incoming;
    const answer = await handle({ method, path, headers, body: await readBody(incoming) });
    const { "transfer-encoding": _encoding, connection: _connection, ...kept } = answer.headers;
    response.writeHead(answer.status, { ...kept, "content-length": answer.body.byteLength }).end(answer.body);
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const front: AwsFront = {
    url: `http://127.0.0.1:${port}`,
    calls,
    toldTo,
    onTaskStarted: undefined,
    close() {
      agent.destroy();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
  return front;
}

/** What containers that share the task's memory are given; less than AWS would take. */
const tokenMemory = { memoryReservation: 1 };

/** A request to ECS as moto understands it. */
function toMoto(operation: string, input: AwsCall["input"]): unknown {
  if (operation === "RunTask") {
    const { capacityProviderStrategy: _, ...rest } = input;
    return { ...rest, launchType: "FARGATE" };
  }
  const { containerDefinitions } = input;
  if (operation !== "RegisterTaskDefinition" || !Array.isArray(containerDefinitions)) return input;
  return { ...input, containerDefinitions: containerDefinitions.map((each) => ({ ...tokenMemory, ...each })) };
}

/** An answer of moto as ECS would give it. */
function fromMoto(answer: Answer): Answer {
  const json = parse(answer.body);
  const definition = taskDefinition.safeParse(json.taskDefinition).data;
  if (!definition) return answer;
  for (const container of definition.containerDefinitions) {
    if (container.memoryReservation === tokenMemory.memoryReservation) delete container.memoryReservation;
  }
  return { ...answer, body: Buffer.from(JSON.stringify({ ...json, taskDefinition: definition })) };
}

/** The answer about a function, with the key it was made with. */
function withKey(answer: Answer, keys: ReadonlyMap<string, unknown>): Answer {
  if (keys.size === 0 || answer.status >= 300) return answer;
  const json = parse(answer.body);
  const configuration = typeof json.Configuration === "object" && json.Configuration ? json.Configuration : json;
  const key = "FunctionName" in configuration && keys.get(String(configuration.FunctionName));
  if (!key) return answer;
  Object.assign(configuration, { KMSKeyArn: key });
  return { ...answer, body: Buffer.from(JSON.stringify(json)) };
}

/** Who signed the request, for which service. */
function callerOf({ authorization = "" }: IncomingHttpHeaders): { caller: string; service: string } {
  const [, caller = "", service = ""] = /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(authorization) ?? [];
  return { caller, service };
}

function operationOf({ method, path, headers }: Exchange): string {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return target.replace(/^.*\./, "");
  return /^\/2015-03-31\/functions\/[^/]+\/invocations/.test(path) ? "Invoke" : `${method} ${path}`;
}

function inputOf({ body }: Exchange): Record<string, unknown> {
  return body.byteLength > 0 && body[0] === 0x7b ? parse(body) : {};
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return {};
  }
}

async function readBody(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
