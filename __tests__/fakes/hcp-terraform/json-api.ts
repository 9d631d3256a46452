import * as z from "zod";
import type { FakeAnswer, FakeRequest } from "../http-fake.ts";

/** What answers the requests of one route. Gets the first two parts of the path that vary. */
export type Handler = (request: FakeRequest, id: string, second: string) => FakeAnswer | Promise<FakeAnswer>;

const headers = { "content-type": "application/vnd.api+json" };

/** One resource, or none. */
export function document(status: number, data?: unknown): FakeAnswer {
  return data === undefined ? { status } : { status, headers, json: { data } };
}

export function errorAnswer(status: number, title: string, detail?: string): FakeAnswer {
  return { status, headers, json: { errors: [{ status: String(status), title, ...(detail && { detail }) }] } };
}

/** One page: 20 items by default, 100 at most. Lists of runs tell no totals. */
export function pageOf(request: FakeRequest, items: readonly unknown[], options: { totals: boolean }): FakeAnswer {
  const size = Math.min(Number(request.query.get("page[size]") ?? 20), 100);
  const number = Number(request.query.get("page[number]") ?? 1);
  const totalPages = Math.max(1, Math.ceil(items.length / size));
  const next = number < totalPages ? number + 1 : null;
  const link = (page: number) => {
    const query = new URLSearchParams(request.query);
    query.set("page[number]", String(page));
    return `http://${request.headers.host}${request.path}?${query}`;
  };
  return {
    status: 200,
    headers,
    json: {
      data: items.slice((number - 1) * size, number * size),
      links: { self: link(number), next: next && link(next) },
      meta: {
        pagination: {
          "current-page": number,
          "page-size": size,
          "prev-page": number > 1 ? number - 1 : null,
          "next-page": next,
          ...(options.totals && { "total-pages": totalPages, "total-count": items.length }),
        },
      },
    },
  };
}

export const notFound = errorAnswer(404, "not found");

/** A request's body with these attributes. */
export const attributes = <T extends z.ZodRawShape>(shape: T) =>
  z.object({ data: z.object({ attributes: z.object(shape) }) });

/** The attributes of a request. Throws a `ZodError` for others than the schema's. */
export function parse<T extends z.ZodRawShape>(
  schema: ReturnType<typeof attributes<T>>,
  request: FakeRequest,
): z.output<z.ZodObject<T>> {
  return schema.parse(JSON.parse(request.body.toString())).data.attributes as z.output<z.ZodObject<T>>;
}

/** Makes the fake answer 422. */
export class Unprocessable extends Error {}

export function invalid(detail: string): Unprocessable {
  return new Unprocessable(detail);
}
