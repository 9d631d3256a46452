import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { createHttp, type Http, type HttpOptions, type HttpRequest, pathOf } from "../http.ts";

/** Settings and dependencies for the API, for the loop and the operator's CLI. */
export interface HcpTerraformApiOptions {
  /** Base URL without a trailing slash, such as `https://app.terraform.io`. */
  readonly address: string;
  readonly clock: Clock;
  /** The API token; `fresh` skips caches. Used once after a 401, so that a rotated token needs no restart. */
  readonly readToken: (options?: { fresh?: boolean }) => Promise<string>;
  readonly explain?: HttpOptions["explain"];
  readonly blanker?: HttpOptions["blanker"];
  readonly timeoutMilliseconds?: number | undefined;
  readonly deadline?: HttpOptions["deadline"];
  readonly fetch?: HttpOptions["fetch"];
}

/** The JSON:API conventions of HCP Terraform over {@link Http}. */
export interface HcpTerraformApi extends Http {
  /**
   * Every item of a list, all pages, without duplicates. Never answers in part without saying so: throws instead.
   *
   * @param isEnough asked after each page; `true` ends the reading. Left out: reads all pages.
   */
  list<T extends Identified>(
    item: z.ZodType<T>,
    request: Omit<HttpRequest, "method">,
    isEnough?: (soFar: Omit<Listing<T>, "partial">) => boolean,
  ): Promise<Listing<T>>;
  /** The pool of exactly this name. */
  findAgentPool(organization: string, name: string): Promise<{ readonly id: string } | undefined>;
}

/** The items of a list and the number of pages that were read. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly pages: number;
  /** Whether the list has more. */
  readonly partial: boolean;
}

interface Identified {
  readonly id: string;
}

const mediaType = "application/vnd.api+json";
const pageSize = 100;
const maxPages = 1000;

const pool = z.object({ id: z.string(), attributes: z.object({ name: z.string() }) });
const paging = z.object({
  links: z.object({ next: z.string().nullish() }).nullish(),
  meta: z.object({ pagination: z.object({ "next-page": z.number().nullish() }).nullish() }).nullish(),
});

/** See {@link HcpTerraformApi}. Paths begin below `/api/v2`. */
export function createHcpTerraformApi(options: HcpTerraformApiOptions): HcpTerraformApi {
  const http = createHttp({
    baseUrl: `${options.address}/api/v2`,
    clock: options.clock,
    authorize: async (request) => ({ authorization: `Bearer ${await options.readToken(request)}` }),
    headers: { accept: mediaType, "content-type": mediaType },
    timeoutMilliseconds: options.timeoutMilliseconds,
    deadline: options.deadline,
    fetch: options.fetch,
    explain: options.explain,
    ...(options.blanker && { blanker: options.blanker }),
  });

  async function list<T extends Identified>(
    item: z.ZodType<T>,
    request: Omit<HttpRequest, "method">,
    isEnough?: (soFar: Omit<Listing<T>, "partial">) => boolean,
  ): Promise<Listing<T>> {
    const page = paging.extend({ data: z.array(item) });
    const items = new Map<string, T>();
    let number = 1;
    for (let pages = 1; pages <= maxPages; pages += 1) {
      const query = { ...request.query, "page[size]": pageSize, "page[number]": number };
      const { body } = await http.json(page, { ...request, method: "GET", query });
      for (const entry of body.data) items.set(entry.id, entry);
      const next = nextPage(body, number, body.data.length);
      const soFar = { items: [...items.values()], pages };
      if (next === undefined || isEnough?.(soFar)) return { ...soFar, partial: next !== undefined };
      if (next <= number) break;
      number = next;
    }
    throw new VendorApiError("malformed", `GET ${request.path}: its list has no last page`);
  }

  return {
    ...http,
    list,
    async findAgentPool(organization, name) {
      const path = pathOf("organizations", organization, "agent-pools");
      const { items } = await list(pool, { path, query: { q: name } });
      return items.find((candidate) => candidate.attributes.name === name);
    },
  };
}

/** Lists of runs name the next page but no total. Without any paging data, a short page is the last one. */
function nextPage(body: z.output<typeof paging>, number: number, count: number): number | undefined {
  if (count === 0) return undefined;
  const told = body.meta?.pagination?.["next-page"];
  if (told !== undefined) return told ?? undefined;
  const link = body.links?.next;
  if (link !== undefined) return link === null ? undefined : number + 1;
  return count < pageSize ? undefined : number + 1;
}
