import type { Context } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { json } from "../../../../handlers/lib/core/env.ts";
import { VendorApiError } from "../../../../handlers/lib/core/errors.ts";
import { defineHandler } from "../../../../handlers/lib/runtime/define-handler.ts";
import { createLog } from "../../../../handlers/lib/runtime/logging.ts";
import { createMetrics } from "../../../../handlers/lib/runtime/metrics.ts";

const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  const capture = (chunk: string | Uint8Array) => written.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(capture);
  vi.spyOn(process.stderr, "write").mockImplementation(capture);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** The JSON lines written so far. */
function lines(): Record<string, unknown>[] {
  return written
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
}

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: "ci-webhook",
  functionVersion: "1",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:ci-webhook",
  memoryLimitInMB: "256",
  awsRequestId: "request-1",
  logGroupName: "group",
  logStreamName: "stream",
  getRemainingTimeInMillis: () => 1_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

const env = z.object({ FLEET: z.string(), LIMITS: json(z.strictObject({ max: z.number() })) });
const environment = { FLEET: "ci", LIMITS: '{"max":3}', PATH: "/bin" };

describe("a handler's environment", () => {
  it("is decoded and built upon once, not per invocation", async () => {
    let builds = 0;
    const handler = defineHandler(
      {
        env,
        build(decoded, runtime) {
          builds += 1;
          return { max: decoded.LIMITS.max, now: runtime.clock.now };
        },
        handle: async (event: number, deps) => event + deps.max,
      },
      environment,
    );
    expect(await handler(1, context)).toBe(4);
    expect(await handler(2, context)).toBe(5);
    expect(builds).toBe(1);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ["absent", { FLEET: "ci" }, /LIMITS: .*undefined/],
    ["no JSON", { FLEET: "ci", LIMITS: "canary" }, /LIMITS: is not JSON/],
    ["of another type", { FLEET: "ci", LIMITS: '{"max":"canary"}' }, /LIMITS\.max: .*number/],
    ["more than asked for", { FLEET: "ci", LIMITS: '{"max":1,"min":"canary"}' }, /LIMITS: .*min/],
  ])("Semaphore defect 2: is refused at cold start where a variable is %s, naming it but not its value", (_, broken, message) => {
    const start = () => defineHandler({ env, build: () => ({}), handle: async () => undefined }, broken);
    expect(start).toThrow(message);
    expect(start).not.toThrow(/canary/);
  });

  it("names every problem at once", () => {
    const start = () => defineHandler({ env, build: () => ({}), handle: async () => undefined }, {});
    expect(start).toThrow(/FLEET: .*LIMITS: /);
  });
});

describe("a handler's deadline", () => {
  it("is so long before Lambda cuts off the invocation under way, whichever it is", async () => {
    const handler = defineHandler(
      {
        env,
        build: (_, runtime) => runtime.deadline(300),
        handle: async (_event: unknown, deadline) => (deadline()?.getTime() ?? Number.NaN) - Date.now(),
      },
      environment,
    );
    const leftOf = (milliseconds: number) => handler({}, { ...context, getRemainingTimeInMillis: () => milliseconds });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      expect(await leftOf(1_000)).toBe(700);
      vi.setSystemTime(Date.now() + 60_000);
      expect(await leftOf(5_000)).toBe(4_700);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a handler that throws", () => {
  const failing = (error: unknown) =>
    defineHandler({ env, build: () => ({}), handle: async () => Promise.reject(error) }, environment);

  it("logs the error in a structured line and fails the invocation", async () => {
    const error = new VendorApiError("unavailable", "down", { status: 503, cause: new TypeError("socket") });
    await expect(failing(error)({ canary: true }, context)).rejects.toBe(error);
    expect(lines()).toEqual([
      expect.objectContaining({
        level: "ERROR",
        service: "ci",
        function_request_id: "request-1",
        error: expect.objectContaining({
          name: "VendorApiError",
          message: "down",
          kind: "unavailable",
          status: 503,
          cause: expect.objectContaining({ name: "TypeError", message: "socket" }),
        }),
      }),
    ]);
    expect(written.join("")).not.toContain("canary");
  });

  it("logs no objects that hang on an error, such as a request with credentials", async () => {
    const error = Object.assign(new AggregateError([new Error("part")], "all"), {
      request: { headers: { authorization: "canary" } },
    });
    await expect(failing(error)({}, context)).rejects.toBe(error);
    expect(written.join("")).toContain('"part"');
    expect(written.join("")).not.toContain("canary");
  });

  it("AWS's own text about a failed launch is in its line, although the line has a message of its own", () => {
    createLog("ci").warn("launch failed", { kind: "quota", message: "limit of vCPUs", count: 3 });
    expect(lines()).toMatchObject([{ message: "launch failed", kind: "quota", detail: "limit of vCPUs", count: 3 }]);
  });

  it("may throw anything", async () => {
    await expect(failing("text")({}, context)).rejects.toBe("text");
    expect(lines()).toEqual([expect.objectContaining({ error: "text" })]);
  });
});

describe("metrics", () => {
  it("Azure DevOps defect 5: are one record per call, per fleet, in our namespace, with units", () => {
    const metrics = createMetrics({ Fleet: "ci" }, createLog("ci"));
    metrics.record({ JobsQueued: 3, OldestQueuedSeconds: 1.5 });
    metrics.record({ JobsQueued: 0 });
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: "AgentFleets",
              Dimensions: [["Fleet"]],
              Metrics: [
                { Name: "JobsQueued", Unit: "Count" },
                { Name: "OldestQueuedSeconds", Unit: "Seconds" },
              ],
            },
          ],
        },
        Fleet: "ci",
        JobsQueued: 3,
        OldestQueuedSeconds: 1.5,
      },
      expect.objectContaining({ Fleet: "ci", JobsQueued: 0 }),
    ]);
  });

  it("are told apart by pool where a fleet has several", () => {
    createMetrics({ Fleet: "ci", Pool: "arm" }, createLog("ci")).record({ JobsQueued: 3 });
    expect(lines()).toEqual([expect.objectContaining({ Fleet: "ci", Pool: "arm", JobsQueued: 3 })]);
    expect(lines()[0]).toMatchObject({ _aws: { CloudWatchMetrics: [{ Dimensions: [["Fleet", "Pool"]] }] } });
  });

  it("leave out what is no number, and write nothing when nothing is left", () => {
    const metrics = createMetrics({ Fleet: "ci" }, createLog("ci"));
    metrics.record({});
    metrics.record({ JobsQueued: Number.NaN, AgentsBusy: Number.POSITIVE_INFINITY });
    expect(lines()).toEqual([]);
    metrics.record({ JobsQueued: Number.NaN, AgentsIdle: 1 });
    expect(lines()).toEqual([expect.objectContaining({ AgentsIdle: 1 })]);
    expect(lines()[0]).not.toHaveProperty("JobsQueued");
  });

  it("Semaphore defect 2: never throw, and recover, so that they can stop no scaling", () => {
    const metrics = createMetrics({ Fleet: "ci" }, createLog("ci"));
    vi.mocked(process.stdout.write).mockImplementationOnce(() => {
      throw new Error("no standard output");
    });
    expect(() => metrics.record({ JobsQueued: 1 })).not.toThrow();
    metrics.record({ AgentsIdle: 2 });
    expect(lines().at(-1)).toMatchObject({ AgentsIdle: 2 });
    expect(lines().at(-1)).not.toHaveProperty("JobsQueued");
  });
});
