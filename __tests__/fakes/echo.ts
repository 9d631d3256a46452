import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "./http-fake.ts";

/** How a hostile server answers one request: where it puts the words of the requests, and in which form. */
export interface Mischief {
  /** The request that it spoils, counted from 0. Earlier and later ones get the answers of the server behind. */
  readonly at: number;
  readonly status: number;
  /** `genuine`: the answer of the server behind, with one text replaced. */
  readonly shape: keyof typeof shapes | "genuine";
  readonly form: keyof typeof forms;
  /** Characters cut off the front of the words, and their most characters. */
  readonly cut: readonly [front: number, length: number];
  /** Which text of a genuine answer it replaces. */
  readonly place: number;
}

/** How the words are written. */
export const forms = {
  plain: (text: string) => text,
  base64: (text: string) => Buffer.from(text).toString("base64"),
  base64url: (text: string) => Buffer.from(text).toString("base64url"),
  uri: encodeURIComponent,
  json: (text: string) => JSON.stringify(text).slice(1, -1),
  hex: (text: string) => Buffer.from(text).toString("hex"),
  shouted: (text: string) => text.toUpperCase(),
  decoded: (text: string) => text.replaceAll(/\S{12,}/g, (word) => `${Buffer.from(word, "base64").toString()} ${word}`),
};

/** Bodies of errors, as the vendors and AWS write them. */
export const shapes = {
  jsonApi: (text: string) => JSON.stringify({ errors: [{ status: text, title: text, detail: text }] }),
  message: (text: string) => JSON.stringify({ $id: "1", message: text, typeKey: text }),
  oauth: (text: string) => JSON.stringify({ error: text, error_description: text, error_codes: [7000215] }),
  graphql: (text: string) => JSON.stringify({ data: { [text]: text }, errors: [{ message: text, path: [text] }] }),
  aws: (text: string) => JSON.stringify({ __type: text, message: text, Message: text, code: text }),
  names: (text: string) =>
    JSON.stringify({ value: [{ [text]: text }], data: [{ [text]: { [text]: 1 } }], [text]: text }),
  page: (text: string) => `<!DOCTYPE html><html><title>${text}</title><body>${text}</body></html>`,
  truncated: (text: string) => `{"errors":[{"detail":"${text}`,
  text: (text: string) => text,
};

/** See {@link startEcho}. */
export interface Echo extends HttpFake {
  /** Counts requests from 0 again. @param options.forget the server no longer knows what it was sent so far */
  begin(mischief: Mischief, options: { readonly forget: boolean }): void;
}

/** A server on loopback before another one. It spoils one answer by what the requests so far held. */
export async function startEcho(behind: HttpFake): Promise<Echo> {
  let count = 0;
  let mischief: Mischief | undefined;
  const sent: string[] = [];
  const http = await startHttpFake(async (request) => {
    sent.unshift(wordsOf(request));
    sent.splice(4, Number.POSITIVE_INFINITY, ...sent.slice(-3));
    const at = count;
    count += 1;
    if (mischief === undefined || at !== mischief.at) return genuine(request);
    const words = sent.join(" ").slice(mischief.cut[0]).slice(0, mischief.cut[1]);
    const text = forms[mischief.form](words);
    if (mischief.shape === "genuine") return spoiled(await genuine(request), text, mischief.place);
    return {
      status: mischief.status,
      statusText: headerSafe(text).slice(0, 200),
      headers: {
        "content-type": "application/json",
        "x-amzn-errortype": headerSafe(text),
        "x-amzn-requestid": headerSafe(text),
        "www-authenticate": headerSafe(text),
        location: `https://echo.invalid/${headerSafe(text)}`,
      },
      text: shapes[mischief.shape](text),
    };
  });
  async function genuine({ method, path, query, headers, body }: FakeRequest): Promise<FakeAnswer> {
    const { host: _host, connection: _connection, "content-length": _length, ...rest } = headers;
    const answer = await fetch(`${behind.url}${encodeURI(path)}?${query}`, {
      method,
      headers: rest as Record<string, string>,
      redirect: "manual",
      ...(method !== "GET" && body.length > 0 && { body: new Uint8Array(body) }),
    });
    const text = (await answer.text()).replaceAll(behind.url, http.url);
    return { status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "" }, text };
  }
  return Object.assign(http, {
    begin(next: Mischief, { forget }: { readonly forget: boolean }) {
      mischief = next;
      count = 0;
      if (forget) sent.splice(0);
    },
  });
}

function wordsOf({ method, path, query, headers, body }: FakeRequest): string {
  const { host: _host, connection: _connection, ...rest } = headers;
  return `${headers.authorization ?? ""} ${body} ${method} ${path} ${query} ${JSON.stringify(rest)}`;
}

/** The answer with one of its texts, or the name of one of its fields, replaced. */
function spoiled(answer: FakeAnswer, by: string, place: number): FakeAnswer {
  try {
    const json: unknown = JSON.parse(answer.text ?? "");
    const size = replaceText(json, by, Number.POSITIVE_INFINITY).seen;
    return { ...answer, text: JSON.stringify(replaceText(json, by, place % Math.max(1, size)).value) };
  } catch {
    return { ...answer, text: by };
  }
}

function replaceText(value: unknown, by: string, place: number): { value: unknown; seen: number } {
  let seen = 0;
  const walk = (each: unknown): unknown => {
    if (typeof each === "string") return seen++ === place ? by : each;
    if (Array.isArray(each)) return each.map(walk);
    if (each === null || typeof each !== "object") return each;
    return Object.fromEntries(
      Object.entries(each).map(([name, below]) => [seen++ === place ? by : name, walk(below)] as const),
    );
  };
  return { value: walk(value), seen };
}

function headerSafe(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "").slice(0, 4000);
}
