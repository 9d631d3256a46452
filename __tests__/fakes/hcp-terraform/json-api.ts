import type { FakeAnswer, FakeRequest } from "../http-fake.ts";

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
