import { type Answer, type AwsCall, jsonOf } from "./exchange.ts";

/** Calls moto: the caller's request, the same call with another input, or another operation of the same service. */
export type Forward = (changed?: { readonly operation?: string; readonly input: AwsCall["input"] }) => Promise<Answer>;

/** Answers one call as AWS does where moto does not, with or without calling moto. */
type Bridge = (call: AwsCall, forward: Forward) => Promise<Answer>;

/**
 * Closes moto's gaps of a service, by `service:Operation`, or `service:*` for all its other operations. Values that
 * moto forgets are remembered and answered as they were sent, so a change in a stack's request still shows.
 */
export type Bridges = Readonly<Record<string, Bridge>>;

/** An answer in JSON. */
export function jsonAnswer(status: number, json: object): Answer {
  return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body: Buffer.from(JSON.stringify(json)) };
}

/** The answer with its JSON changed. Errors stay as they are. */
export function withJson(answer: Answer, change: (json: Record<string, unknown>) => object): Answer {
  if (answer.status >= 300) return answer;
  return { ...answer, body: Buffer.from(JSON.stringify(change(jsonOf(answer.body)))) };
}

/** The answer with its XML changed. Errors stay as they are. */
export function withXml(answer: Answer, change: (xml: string) => string): Answer {
  if (answer.status >= 300) return answer;
  return { ...answer, body: Buffer.from(change(answer.body.toString("utf8"))) };
}
