import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createHttp, type HttpOptions, type HttpRequest, pathOf } from "../../../../handlers/lib/vendors/http.ts";
import { RateLimiter } from "../../../../handlers/lib/vendors/rate-limiter.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

const get: HttpRequest = { method: "GET", path: "/things" };

describe("createHttp", () => {
  let clock: FakeClock;
  let fake: HttpFake;
  let answers: FakeAnswer[];

  beforeEach(async () => {
    clock = createFakeClock();
    answers = [];
    fake = await startHttpFake(() => answers.shift() ?? { status: 200, json: { ok: true } });
  });
  afterEach(() => fake.close());

  const http = (options: Partial<HttpOptions> = {}) =>
    createHttp({ baseUrl: `${fake.url}/api`, clock, random: () => 0, ...options });

  it("joins the base URL, path and query, and sends JSON", async () => {
    const path = pathOf("orgs", "a/b c");
    await http().send({ method: "POST", path, query: { "page[size]": 100 }, body: { name: "x" } });
    const [request] = fake.requests;
    expect(request).toMatchObject({ method: "POST", path: "/api/orgs/a/b c" });
    expect(request?.query.get("page[size]")).toBe("100");
    expect(request?.body.toString()).toBe('{"name":"x"}');
    expect(request?.headers["content-type"]).toBe("application/json");
  });

  it("encodes what would lead out of a path segment", () => {
    expect(pathOf("agents", "../organizations?x")).toBe("/agents/..%2Forganizations%3Fx");
  });

  it("sends bytes untouched", async () => {
    const body = Uint8Array.of(0, 255, 10, 13);
    await http().send({ method: "PUT", path: "/upload", body });
    expect(fake.requests[0]?.body).toEqual(Buffer.from(body));
    expect(fake.requests[0]?.headers["content-type"]).toBe("application/octet-stream");
  });

  it.each([
    [400, "invalid"],
    [401, "unauthorized"],
    [403, "unauthorized"],
    [404, "not-found"],
    [408, "timeout"],
    [409, "conflict"],
    [410, "not-found"],
    [412, "conflict"],
    [422, "invalid"],
    [429, "rate-limited"],
    [500, "unavailable"],
    [504, "unavailable"],
  ])("takes %i for %s", async (status, kind) => {
    fake.fail({ answer: { status } });
    await expect(http().send(get)).rejects.toMatchObject({ name: "VendorApiError", kind, status });
  });

  it("backs off exponentially between attempts", async () => {
    fake.fail({ answer: { status: 502 } });
    await expect(http().send(get)).rejects.toThrow("GET /api/things: answered 502");
    expect(clock.sleeps).toEqual([250, 500, 1000]);
  });

  it("spreads retries by chance", async () => {
    fake.fail({ answer: { status: 502 } });
    await expect(http({ random: () => 1 }).send(get)).rejects.toThrow();
    expect(clock.sleeps).toEqual([500, 1000, 2000]);
  });

  it.each([
    ["retry-after", "12", 12_000],
    ["retry-after", "Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["retry-after", "Wed, 31 Dec 2025 23:59:30 GMT", 0],
    ["retry-after", "0", 0],
    ["x-ratelimit-reset", "0.25", 250],
    ["x-ratelimit-reset", "1767225605", 5_000],
    ["retry-after", "soon", 250],
  ])("understands %s: %s", async (header, value, milliseconds) => {
    answers = [{ status: 429, headers: { [header]: value } }];
    await http().send(get);
    expect(clock.sleeps).toEqual([milliseconds]);
  });

  it("backs off from a 5xx as long as ever, whenever the rate limit's window ends", async () => {
    fake.fail({ answer: { status: 503, headers: { "x-ratelimit-reset": "0.1" } } });
    await expect(http().send(get)).rejects.toThrow("answered 503");
    expect(clock.sleeps).toEqual([250, 500, 1000]);
  });

  it("waits after a 5xx as long as it is asked to", async () => {
    answers = [{ status: 503, headers: { "retry-after": "2" } }];
    await http().send(get);
    expect(clock.sleeps).toEqual([2000]);
  });

  it("gives up at once when asked to wait longer than is worth it", async () => {
    fake.fail({ answer: { status: 429, headers: { "retry-after": "3600" } } });
    await expect(http().send(get)).rejects.toMatchObject({ kind: "rate-limited" });
    expect(fake.requests).toHaveLength(1);
  });

  it.each(["POST", "PATCH"] as const)("repeats a %s only when it was refused for its rate", async (method) => {
    answers = [{ status: 429 }, { status: 500 }];
    await expect(http().send({ ...get, method })).rejects.toMatchObject({ kind: "unavailable" });
    expect(fake.requests).toHaveLength(2);
  });

  it("repeats a POST that says it is idempotent", async () => {
    answers = [{ status: 500 }];
    await http().send({ ...get, method: "POST", idempotent: true });
    expect(fake.requests).toHaveLength(2);
  });

  it("covers the reading of the body with its timeout", async () => {
    const stalling: typeof fetch = (_url, init) => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"ok":'));
          init?.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
        },
      });
      return Promise.resolve(new Response(body));
    };
    const stalled = http({ fetch: stalling, timeoutMilliseconds: 20, attempts: 1 });
    await expect(stalled.send(get)).rejects.toMatchObject({ kind: "timeout" });
  });

  it("stops reading an answer that is too large", async () => {
    answers = [{ status: 200, text: "x".repeat(2000) }];
    await expect(http({ maxResponseBytes: 1000 }).send(get)).rejects.toMatchObject({ kind: "malformed" });
  });

  it("does not follow redirects, which would carry the credential elsewhere", async () => {
    const other = await startHttpFake(() => ({ status: 200 }));
    answers = [{ status: 307, headers: { location: other.url } }];
    const failure = http({ authorize: async () => ({ authorization: "Bearer canary-token" }) }).send(get);
    await expect(failure).rejects.toThrow("check the address");
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it("says where a body is malformed, but not what it holds", async () => {
    answers = [{ status: 200, json: { items: [{ id: "canary-body" }] } }];
    const schema = z.object({ items: z.array(z.object({ id: z.number() })) });
    const failure: unknown = await http()
      .json(schema, get)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "malformed" });
    expect(String(failure)).toContain("items.0.id");
    expect(String(failure)).not.toContain("canary");
  });

  it("reads what the vendor explains only where asked to", async () => {
    fake.fail({ answer: { status: 422, json: { reason: "name is taken" } } });
    const explain = (body: unknown) => z.object({ reason: z.string() }).parse(body).reason;
    await expect(http({ explain }).send(get)).rejects.toThrow("answered 422: name is taken");
    await expect(http().send(get)).rejects.toThrow(/answered 422$/);
  });

  describe("credentials", () => {
    const authorizing = (authorize: HttpOptions["authorize"] & object) => http({ authorize });

    it("asks for a fresh one once after a 401", async () => {
      answers = [{ status: 401 }];
      const asked: boolean[] = [];
      await authorizing(async ({ fresh }) => {
        asked.push(fresh);
        return { authorization: fresh ? "Bearer new" : "Bearer old" };
      }).send({ ...get, method: "POST" });
      expect(asked).toEqual([false, true]);
      expect(fake.requests.map((request) => request.headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
    });

    it("does not ask again with one that was refused", async () => {
      fake.fail({ answer: { status: 401 } });
      const failure = authorizing(async () => ({ authorization: "Bearer same" })).send(get);
      await expect(failure).rejects.toMatchObject({ kind: "unauthorized" });
      expect(fake.requests).toHaveLength(1);
    });

    describe("refused by a status that only this vendor means so", () => {
      const refusing = (options: Partial<HttpOptions>) => http({ unauthorizedStatuses: [203, 302], ...options });

      it.each([203, 302])("takes %i for a refusal, though it may bear an answer", async (status) => {
        fake.fail({ answer: { status, json: { ok: true } } });
        const failure = refusing({}).json(z.object({ ok: z.boolean() }), get);
        await expect(failure).rejects.toMatchObject({ kind: "unauthorized", status });
        expect(fake.requests).toHaveLength(1);
      });

      it("asks for a fresh credential once, and goes on with it", async () => {
        answers = [{ status: 203, text: "<html>" }];
        await refusing({ authorize: async ({ fresh }) => ({ authorization: fresh ? "Basic new" : "Basic old" }) }).send(
          get,
        );
        expect(fake.requests.map((request) => request.headers.authorization)).toEqual(["Basic old", "Basic new"]);
      });

      it("gives up when the fresh one is refused too", async () => {
        fake.fail({ answer: { status: 203 } });
        let readings = 0;
        const authorize = async () => {
          readings += 1;
          return { authorization: `Basic ${readings}` };
        };
        await expect(refusing({ authorize }).send(get)).rejects.toMatchObject({ kind: "unauthorized" });
        expect(fake.requests).toHaveLength(2);
      });

      it("means nothing to other vendors", async () => {
        fake.fail({ answer: { status: 203, json: { ok: true } } });
        await expect(http().send(get)).resolves.toMatchObject({ status: 203 });
      });
    });

    it("does not quote one that no header can carry", async () => {
      const failure: unknown = await authorizing(async () => ({ authorization: "Bearer canary\nsplit" }))
        .send(get)
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: "unauthorized" });
      expect(String(failure)).not.toContain("canary");
    });
  });

  describe("deadline", () => {
    it("is not passed by waiting", async () => {
      const deadline = new Date(clock.now().getTime() + 600);
      fake.fail({ answer: { status: 503 } });
      await expect(http({ deadline: () => deadline }).send(get)).rejects.toMatchObject({ kind: "unavailable" });
      expect(clock.sleeps).toEqual([250]);
    });

    it("leaves no call to be started after it", async () => {
      const deadline = clock.now();
      await expect(http({ deadline: () => deadline }).send(get)).rejects.toMatchObject({ kind: "timeout" });
      expect(fake.requests).toEqual([]);
    });

    it("shortens the timeout of a call", async () => {
      const deadline = new Date(clock.now().getTime() + 30);
      fake.fail({ answer: "hang" });
      const failure = http({ deadline: () => deadline, timeoutMilliseconds: 60_000 }).send(get);
      await expect(failure).rejects.toThrow("no complete answer within 30 ms");
    });
  });

  describe("rate limit", () => {
    it("is kept by retries too", async () => {
      const limiter = new RateLimiter(3, 60_000, clock);
      fake.fail({ times: 2, answer: { status: 503 } });
      await http().send({ ...get, limiter });
      const spent = clock.now().getTime();
      await http().send({ ...get, limiter });
      expect(spent).toBe(createFakeClock().now().getTime() + 750);
      expect(clock.sleeps.at(-1)).toBe(60_000 - 750);
    });

    it("fails as rate-limited when no slot comes free before the deadline", async () => {
      const limiter = new RateLimiter(1, 60_000, clock);
      const deadline = new Date(clock.now().getTime() + 20_000);
      const limited = http({ deadline: () => deadline });
      await limited.send({ ...get, limiter });
      await expect(limited.send({ ...get, limiter })).rejects.toMatchObject({ kind: "rate-limited" });
      expect(fake.requests).toHaveLength(1);
    });
  });
});

describe("RateLimiter", () => {
  it("gives no more than its limit within any window", () => {
    const clock = createFakeClock();
    const limiter = new RateLimiter(2, 1000, clock);
    expect(limiter.take()).toBe(0);
    clock.advance(400);
    expect(limiter.take()).toBe(0);
    expect(limiter.take()).toBe(600);
    clock.advance(600);
    expect(limiter.take()).toBe(0);
    expect(limiter.take()).toBe(400);
  });
});
