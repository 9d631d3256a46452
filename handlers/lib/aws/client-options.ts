import { Readable } from "node:stream";
import { type Blanker, createBlanker } from "../core/blanker.ts";

/** The parts of the AWS SDK's requests and answers that matter here. Its types are in packages that we do not name. */
interface Request {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}
interface Answer {
  readonly response: { readonly statusCode: number; readonly headers: Record<string, string>; body?: unknown };
}
interface HttpHandler {
  handle(request: Request, ...rest: never[]): Promise<Answer>;
}
interface HttpHandlerExtension {
  httpHandler(): unknown;
  setHttpHandler(handler: never): void;
}

/** Operations whose answers are secrets. */
const reads = /\.(GetSecretValue|GetParameters?)$/;
/** Fields of requests that hold a secret: of Secrets Manager and of SSM's parameters. */
const secretFields = ["SecretString", "SecretBinary", "Value"];

/**
 * Hides in the answers to a client what it sent: the session token, the signature, the value of a secret. AWS echoes
 * them in errors: its answer to a wrong signature quotes the signed headers, and so the session token.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
 */
export const hideSentSecrets = {
  configure(extension: HttpHandlerExtension): void {
    const handler = extension.httpHandler() as HttpHandler;
    const blanker = createBlanker();
    const handle: HttpHandler["handle"] = async (request, ...rest) => {
      blanker.remember(...secretsIn(request));
      const answer = await handler.handle(request, ...rest);
      const readsSecret = answer.response.statusCode < 300 && reads.test(request.headers["x-amz-target"] ?? "");
      await hideIn(answer.response, blanker, readsSecret);
      return answer;
    };
    const blanking = new Proxy(handler, {
      get: (target, name) => (name === "handle" ? handle : bound(target, name)),
    });
    extension.setHttpHandler(blanking as never);
  },
};

/**
 * Options of every AWS client: timeouts on each attempt, and retries with backoff, jitter and a rate that adapts to
 * throttling. Every call ends within about 20 seconds. Answers and errors hold nothing secret that was sent.
 */
export const clientOptions = {
  maxAttempts: 4,
  retryMode: "adaptive",
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  extensions: [hideSentSecrets],
};

function secretsIn({ headers, body }: Request): readonly string[] {
  const sent = Object.entries(headers).flatMap(([name, value]) => {
    if (name.toLowerCase() === "x-amz-security-token") return [value];
    return name.toLowerCase() === "authorization" ? [/Signature=(\w+)/.exec(value)?.[1] ?? value] : [];
  });
  return [...sent, ...secretFieldsOf(body)];
}

function secretFieldsOf(body: unknown): readonly string[] {
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : body;
  if (typeof text !== "string") return [];
  const fields = jsonOf(text);
  if (fields === null || typeof fields !== "object") return [];
  return Object.entries(fields).flatMap(([name, value]) =>
    secretFields.includes(name) && typeof value === "string" ? [value] : [],
  );
}

async function hideIn(response: Answer["response"], blanker: Blanker, readsSecret: boolean): Promise<void> {
  for (const [name, value] of Object.entries(response.headers)) response.headers[name] = blanker.blank(value);
  if (!(response.body instanceof Readable)) return;
  const bytes = Buffer.concat(await response.body.toArray());
  response.body = Readable.from([hiddenBody(bytes, blanker, readsSecret)]);
}

/** Bytes that are no text stay as they are, as does the JSON of a secret that is read: it may begin like another. */
function hiddenBody(bytes: Buffer, blanker: Blanker, readsSecret: boolean): Buffer {
  const text = bytes.toString();
  const json = jsonOf(text);
  if (json !== undefined) {
    const hidden = readsSecret ? json : (blanker.blankAll(json) ?? {});
    return JSON.stringify(hidden) === JSON.stringify(json) ? bytes : Buffer.from(JSON.stringify(hidden));
  }
  return Buffer.from(text).equals(bytes) ? Buffer.from(blanker.blank(text)) : bytes;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}
