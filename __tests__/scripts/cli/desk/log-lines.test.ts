import { afterEach, expect, it, vi } from "vitest";
import { VendorApiError } from "../../../../handlers/lib/core/errors.ts";
import { createLog } from "../../../../handlers/lib/runtime/logging.ts";
import { createMetrics } from "../../../../handlers/lib/runtime/metrics.ts";
import { type Said, understand } from "../../../../scripts/cli/desk/log-lines.ts";

const at = new Date(0);

afterEach(() => {
  vi.restoreAllMocks();
});

/** What `fleet` understands of what the functions' own logger writes. */
function written(write: () => void): Said[] {
  const chunks: string[] = [];
  const capture = (chunk: string | Uint8Array) => chunks.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(capture);
  vi.spyOn(process.stderr, "write").mockImplementation(capture);
  write();
  vi.restoreAllMocks();
  const lines = chunks.join("").split("\n").filter(Boolean);
  return lines.map((text) => understand({ text, at }));
}

it("understands the errors of a pass, the innermost ones too", () => {
  const cause = new VendorApiError("unauthorized", "GET /runs: HTTP 401", { status: 401 });
  const error = new AggregateError([new Error("pool a failed", { cause }), new TypeError("a bug")], "2 pools failed");
  const [said] = written(() => createLog("ci").error("the invocation failed", { error }));
  expect(said).toMatchObject({
    type: "trouble",
    trouble: {
      level: "ERROR",
      message: "the invocation failed",
      errors: [
        { name: "AggregateError", message: "2 pools failed" },
        { name: "Error", message: "pool a failed" },
        { name: "VendorApiError", message: "GET /runs: HTTP 401", kind: "unauthorized" },
        { name: "TypeError", message: "a bug" },
      ],
    },
  });
});

it("understands AWS's own text about a failed launch", () => {
  const [said] = written(() => createLog("ci").warn("launch failed", { kind: "quota", message: "no vCPUs", count: 2 }));
  expect(said).toMatchObject({ type: "trouble", trouble: { level: "WARN", kind: "quota", detail: "no vCPUs" } });
});

it("understands the metrics record of a tick", () => {
  const figures = { JobsQueued: 2, OldestQueuedSeconds: 7.5 };
  const [said] = written(() => createMetrics({ Fleet: "ci", Pool: "a" }, createLog("ci")).record(figures));
  expect(said).toEqual({ type: "metrics", pool: "a", oldestQueuedSeconds: 7.5 });
});

it.each([
  "{",
  '{"message":"decision"}',
  '{"message":7}',
  "[1]",
  "REPORT RequestId: 1 Duration: 5 ms",
  "anything",
])("takes no fright at %s", (text) => {
  expect(understand({ text, at }).type).toBe("text");
});

it.each([
  "2026 1 Task timed out after 300.00 seconds",
  "REPORT RequestId: 1 Status: timeout",
  "RequestId: 1 Error: Runtime exited with error: signal: killed",
])("knows that Lambda ended the function: %s", (text) => {
  expect(understand({ text, at })).toMatchObject({ type: "trouble", trouble: { level: "ERROR" } });
});
