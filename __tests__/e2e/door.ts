import { type HttpFake, startHttpFake } from "../fakes/http-fake.ts";
import type { DeployedFunction } from "./lambda.ts";

/** The fleet's public endpoint as a loopback server: API Gateway's HTTP API, payload format 2.0. */
export interface Door extends HttpFake {
  /** How API Gateway passes bodies on. It decides by the content type. */
  encoding: "plain" | "base64";
}

interface FunctionAnswer {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Starts an endpoint in front of a deployed function. */
export async function startDoor(target: DeployedFunction): Promise<Door> {
  const http = await startHttpFake(async ({ method, path, query, headers, body }) => {
    const base64 = door.encoding === "base64";
    const answer = (await target.invoke({
      version: "2.0",
      routeKey: "$default",
      rawPath: path,
      rawQueryString: query.toString(),
      headers,
      requestContext: { stage: "$default", http: { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1" } },
      ...(body.byteLength > 0 && { body: body.toString(base64 ? "base64" : "utf8") }),
      isBase64Encoded: base64,
    })) as FunctionAnswer;
    return { status: answer.statusCode, headers: answer.headers ?? {}, text: answer.body ?? "" };
  });
  const door: Door = Object.assign(http, { encoding: "plain" as const });
  return door;
}
