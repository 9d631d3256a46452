import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretUnavailableError } from "../../../handlers/lib/core/errors.ts";
import { createWebhook, notification, runBody, sign } from "./harness.ts";

const pending = runBody([{ trigger: "run:created", run_status: "pending", run_updated_at: "2026-01-01T00:00:00Z" }]);
const body = JSON.stringify(pending);
const header = "X-TFE-Notification-Signature";

describe("who is let in", () => {
  it("takes a signed notification and wakes the loop once", async () => {
    const webhook = createWebhook();
    expect(await webhook.send(notification(pending))).toEqual({ statusCode: 200, body: "" });
    expect(webhook.wakeUp.count).toBe(1);
  });

  it.each([
    header,
    header.toLowerCase(),
    header.toUpperCase(),
    "x-Tfe-notification-SIGNATURE",
  ])("defect 4: takes the header as %s", async (name) => {
    const webhook = createWebhook();
    const answer = await webhook.send({ body, headers: { [name]: sign(body) } });
    expect(answer.statusCode).toBe(200);
  });

  it("takes a base64 body, bytes that are no UTF-8 included", async () => {
    const webhook = createWebhook();
    expect((await webhook.send({ ...notification(pending), base64: true })).statusCode).toBe(200);

    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const answer = await webhook.send({ body: bytes, base64: true, headers: { [header]: sign(bytes) } });
    expect(answer.statusCode).toBe(400);
  });

  it.each<[string, Record<string, string>]>([
    ["no header", {}],
    ["an empty header, as sent when no token is set", { [header]: "" }],
    ["another key's signature", { [header]: sign(body, "other-key") }],
    ["the empty key's signature", { [header]: sign(body, "") }],
    ["another body's signature", { [header]: sign(`${body} `) }],
    ["half a signature", { [header]: sign(body).slice(0, 64) }],
    ["a signature sent twice", { [header]: `${sign(body)},${sign(body)}` }],
    ["a signature with a newline", { [header]: `${sign(body)}\n` }],
    ["text of the right length", { [header]: "g".repeat(128) }],
    ["the other route's header", { "X-TFC-Task-Signature": sign(body) }],
  ])("defect 4: answers 401 with an empty body to %s", async (_, headers) => {
    const webhook = createWebhook({ ledger: true, keys: ["", "test-key"] });
    expect(await webhook.send({ body, headers })).toEqual({ statusCode: 401, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
    expect(webhook.ledger.runs.size).toBe(0);
  });

  it("defect 4: answers an unsigned health check without crashing, or asking for the secret", async () => {
    const webhook = createWebhook();
    expect((await webhook.send({})).statusCode).toBe(401);
    expect(webhook.secrets.asked()).toBe(0);
  });

  it("defect 4: lets nobody in before the fleet has a key", async () => {
    const webhook = createWebhook({ keys: [] });
    expect(await webhook.send(notification(pending, "undefined"))).toEqual({ statusCode: 401, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
    expect(webhook.lines.at(-1)).toMatchObject({ level: "warn", fields: { path: "/notifications" } });
  });

  it("answers 503 while the key cannot be read, which is our fault and an alarm", async () => {
    const webhook = createWebhook();
    webhook.secrets.failure = new SecretUnavailableError("The secret cannot be read: AccessDeniedException");
    expect(await webhook.send(notification(pending))).toEqual({ statusCode: 503, body: "" });
    expect(webhook.lines.at(-1)).toMatchObject({ level: "error", fields: { path: "/notifications" } });
  });

  it.each<[string, Record<string, string>]>([
    ["no header", {}],
    ["an empty header", { [header]: "" }],
    ["a header that is no digest", { [header]: "let me in" }],
    ["the other route's header", { "X-TFC-Task-Signature": sign(body) }],
    ["a well-formed signature by another key", { [header]: sign(body, "guessed") }],
  ])("raises no alarm about a missing key for a stranger with %s", async (_, headers) => {
    const webhook = createWebhook({ keys: [] });
    expect(await webhook.send({ body, headers })).toEqual({ statusCode: 401, body: "" });
    expect(webhook.lines.filter(({ level }) => level === "error")).toEqual([]);
    expect(webhook.records).toEqual([]);
  });

  it("throws what it does not know of the secret store", async () => {
    const webhook = createWebhook();
    webhook.secrets.failure = new Error("a defect");
    await expect(webhook.send(notification(pending))).rejects.toThrow("a defect");
  });

  it.each(["/", "/notification", "/notifications/", "/run-task/x", ""])("answers 404 on %j", async (path) => {
    const webhook = createWebhook();
    expect(await webhook.send({ ...notification(pending), path })).toEqual({ statusCode: 404, body: "" });
  });

  it.each(["GET", "HEAD", "PUT", "OPTIONS"])("answers 405 to %s and says what is allowed", async (method) => {
    const webhook = createWebhook();
    const answer = await webhook.send({ ...notification(pending), method });
    expect(answer).toEqual({ statusCode: 405, headers: { allow: "POST" }, body: "" });
  });

  it.each([false, true])("answers 413 above 256 KiB, and takes 256 KiB (base64: %s)", async (base64) => {
    const webhook = createWebhook();
    const padded = (bytes: number) => body.padEnd(bytes, " ");
    const limit = 256 * 1024;
    expect((await webhook.send({ ...notification(padded(limit)), base64 })).statusCode).toBe(200);
    expect((await webhook.send({ ...notification(padded(limit + 1)), base64 })).statusCode).toBe(413);
  });
});

describe("what may come in", () => {
  it.each([
    "",
    "{",
    "null",
    "[]",
    "7",
    '"text"',
    '{"notifications":7}',
    '{"notifications":[{"trigger":null}]}',
  ])("answers 400 to signed %s", async (text) => {
    const webhook = createWebhook();
    expect(await webhook.send(notification(text))).toEqual({ statusCode: 400, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
  });

  it("answers any signed JSON with 200 or 400, and never throws", async () => {
    const webhook = createWebhook({ ledger: true });
    const shaped = fc.record(
      {
        run_id: fc.jsonValue(),
        workspace_id: fc.jsonValue(),
        notifications: fc.array(
          fc.record({ trigger: fc.oneof(fc.constant("run:created"), fc.jsonValue()), run_status: fc.jsonValue() }),
        ),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), shaped),
        fc.constantFrom("/notifications", "/run-task"),
        async (value, path) => {
          const text = JSON.stringify(value);
          const headers = { "x-tfe-notification-signature": sign(text), "x-tfc-task-signature": sign(text) };
          const { statusCode } = await webhook.send({ path, body: text, headers });
          expect([200, 400]).toContain(statusCode);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("what follows", () => {
  it("writes no ledger in api mode", async () => {
    const webhook = createWebhook({ ledger: false });
    await webhook.send(notification(pending));
    expect(webhook.ledger.runs.size).toBe(0);
  });

  it("fails visibly when the ledger fails, and wakes the loop all the same", async () => {
    const webhook = createWebhook({ ledger: true });
    webhook.ledger.failure = new Error("table gone");
    await expect(webhook.send(notification(pending))).rejects.toThrow("table gone");
    expect(webhook.wakeUp.count).toBe(1);
  });

  it("fails visibly when the wake-up fails, with the seen run recorded", async () => {
    const webhook = createWebhook({ ledger: true });
    webhook.wakeUp.failure = new Error("not allowed");
    await expect(webhook.send(notification(pending))).rejects.toThrow("not allowed");
    expect(webhook.ledger.runs.size).toBe(1);
  });

  it("defect 5: logs nothing of the body, the signature or the key", async () => {
    const webhook = createWebhook({ ledger: true, keys: ["canary-key"] });
    const canary = { ...pending, run_id: "canary-run", workspace_id: "canary-ws", extra: "canary-extra" };
    const signed = notification(canary, "canary-key");
    const signature = sign(signed.body ?? "", "canary-key");

    await webhook.send(signed);
    await webhook.send({ ...signed, headers: { [header]: sign("canary") } });
    await webhook.send({ ...signed, path: "/canary-path" });
    await webhook.send(notification("canary-malformed", "canary-key"));
    webhook.secrets.failure = new Error("store down");
    webhook.clock.advance(60_000);
    await webhook.send({ ...signed, headers: { [header]: sign("canary") } }).catch(() => undefined);

    const written = webhook.written();
    expect(webhook.lines.length).toBeGreaterThanOrEqual(3);
    expect(written).not.toContain("canary");
    expect(written).not.toContain(signature);
    expect(written).not.toContain(sign("canary"));
  });
});
