import { type Answer, type AwsCall, jsonOf } from "./exchange.ts";

/** Asks moto: what the caller asked, with another input of the same call, or another operation of the same service. */
export type Forward = (changed?: { readonly operation?: string; readonly input: AwsCall["input"] }) => Promise<Answer>;

/** Answers one call as AWS would where moto does not, by asking moto or without. */
type Bridge = (call: AwsCall, forward: Forward) => Promise<Answer>;

/**
 * What moto lacks of a service, by `service:Operation`, or `service:*` for all its other operations. What moto forgets is
 * remembered as it was sent, and answered back: a stack that changes what it sends still shows.
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
