import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWebhookVendor } from "../../../handlers/lib/vendors/webhooks.ts";
import { createMetricsFake } from "../../fakes/log.ts";
import { internalError, runMessage, runStates, signatureHeaders } from "../../fakes/spacelift/webhooks.ts";
import { createWebhook } from "./harness.ts";

const key = "test-webhook-secret";
const path = "/run-events";
const { waiting, ...others } = runStates;

function start(keys: readonly string[] = [key]) {
  const webhook = createWebhook({ keys });
  const { log } = webhook.deps;
  webhook.deps.vendor = createWebhookVendor(
    {
      type: "spacelift",
      endpoint: "https://acme.app.spacelift.io",
      apiKeyId: "01TESTKEY",
      workerPoolId: "01TESTPOOL",
      group: "ci",
    },
    { log, metrics: createMetricsFake(), clock: webhook.clock },
  );
  const now = () => Math.floor(webhook.clock.now().getTime() / 1000);
  const post = (body: unknown, withKey = key) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return webhook.send({ path, body: text, headers: signatureHeaders(text, withKey) });
  };
  return { ...webhook, post, now, run: (state: string, age = 0) => runMessage(state, now() - age) };
}

describe("messages of Spacelift about runs", () => {
  it.each(waiting)("wake the loop when a run is %s", async (state) => {
    const { post, run, wakeUp, ledger } = start();
    expect(await post(run(state))).toEqual({ statusCode: 200, body: "" });
    expect(wakeUp.count).toBe(1);
    expect(ledger.runs.size).toBe(0);
  });

  it.each(Object.values(others).flat())("wake nobody when a run is %s: it asks for no worker", async (state) => {
    const { post, run, wakeUp } = start();
    expect(await post(run(state))).toEqual({ statusCode: 200, body: "" });
    expect(wakeUp.count).toBe(0);
  });

  it("wake the loop in a state that nobody knows yet", async () => {
    const { post, run, wakeUp } = start();
    await post(run("WAITING_FOR_WORKER"));
    expect(wakeUp.count).toBe(1);
  });

  it("wake the loop once for each message, however often one comes", async () => {
    const { post, run, wakeUp } = start();
    const message = run("QUEUED");
    await post(message);
    await post(message);
    expect(wakeUp.count).toBe(2);
  });

  it("that are older than five minutes wake nobody: the loop has looked since, and they may be sent by others", async () => {
    const { post, run, wakeUp, written } = start();
    expect(await post(run("QUEUED", 301))).toMatchObject({ statusCode: 200 });
    expect(wakeUp.count).toBe(0);
    expect(written()).toContain("old");
    await post(run("QUEUED", 300));
    expect(wakeUp.count).toBe(1);
  });

  it("count by the time at which they arrive, also if the sender's clock is ahead", async () => {
    const { post, run, wakeUp, clock } = start();
    const message = run("READY", -60);
    await post(message);
    expect(wakeUp.count).toBe(1);
    clock.advance(3_600_000);
    await post(message);
    expect(wakeUp.count).toBe(1);
  });

  it("that tell of something else are answered, and wake nobody", async () => {
    const { post, wakeUp, now } = start();
    const audit = { account: "acme", action: "stack.update", actor: "canary-person", data: {}, timestamp: now() };
    for (const body of [internalError, audit, {}]) expect(await post(body)).toMatchObject({ statusCode: 200 });
    expect(wakeUp.count).toBe(0);
  });

  it.each([
    "",
    "no json",
    "[]",
    "null",
    '"QUEUED"',
    '{"state":7}',
    '{"state":"QUEUED"}',
    '{"state":"QUEUED","timestamp":"now"}',
    '{"state":"QUEUED","timestamp":null}',
  ])("are refused as %j", async (body) => {
    const { post, wakeUp } = start();
    expect(await post(body)).toMatchObject({ statusCode: 400 });
    expect(wakeUp.count).toBe(0);
  });

  it("of any content fail nothing", async () => {
    const wild = fc.oneof(fc.jsonValue(), fc.record({ state: fc.jsonValue(), timestamp: fc.jsonValue() }));
    await fc.assert(
      fc.asyncProperty(wild, async (body) => {
        const { statusCode } = await start().post(JSON.stringify(body));
        expect([200, 400]).toContain(statusCode);
      }),
    );
  });

  it("have one path, and their words stay out of the log", async () => {
    const { post, run, send, written } = start();
    await post(run("QUEUED"));
    await post(internalError);
    expect(written()).not.toContain("canary");
    expect(await send({ path: "/notifications", body: "{}" })).toMatchObject({ statusCode: 404 });
  });
});

describe("the signature of Spacelift", () => {
  const body = JSON.stringify(runMessage("QUEUED", 0));
  const hex = (hash: string, withKey = key) => createHmac(hash, withKey).update(body).digest("hex");

  it.each<[string, Record<string, string>]>([
    ["none", {}],
    ["an empty one", { "X-Signature-256": "" }],
    ["one by another key", signatureHeaders(body, "test-webhook-secret-of-others")],
    ["one by an empty key", signatureHeaders(body, "")],
    ["one of another body", signatureHeaders(`${body} `, key)],
    ["the digest alone", { "X-Signature-256": hex("sha256") }],
    ["SHA-1 alone", { "X-Signature": `sha1=${hex("sha1")}` }],
    ["SHA-1 under the name of the other", { "X-Signature-256": `sha1=${hex("sha1")}` }],
    ["SHA-512", { "X-Signature-256": `sha256=${hex("sha512")}` }],
    ["its beginning", { "X-Signature-256": `sha256=${hex("sha256").slice(0, -1)}` }],
    ["it twice", { "X-Signature-256": `sha256=${hex("sha256")},sha256=${hex("sha256")}` }],
    ["it in the wrong header", { "X-Hub-Signature-256": `sha256=${hex("sha256")}` }],
    ["the secret itself", { "X-Signature-256": key }],
  ])("is refused if it is %s, and nobody is woken", async (_, headers) => {
    const { send, wakeUp, written } = start(["", key]);
    expect(await send({ path, body, headers })).toEqual({ statusCode: 401, body: "" });
    expect(wakeUp.count).toBe(0);
    expect(written()).not.toContain(key);
  });

  it("is checked before the body is read", async () => {
    const { send } = start();
    const headers = signatureHeaders("no json", "test-other-key");
    expect(await send({ path, body: "no json", headers })).toMatchObject({ statusCode: 401 });
  });

  it("fits the previous secret too, and a body in base64", async () => {
    const { send, run, wakeUp } = start(["test-newest", key]);
    const text = JSON.stringify(run("QUEUED"));
    const sent = await send({ path, body: text, base64: true, headers: signatureHeaders(text, key) });
    expect(sent).toMatchObject({ statusCode: 200 });
    expect(wakeUp.count).toBe(1);
  });

  it("cannot be checked while the fleet has no secret: 401, and no alarm on 5xx", async () => {
    const { post, run, wakeUp } = start([]);
    expect(await post(run("QUEUED"))).toMatchObject({ statusCode: 401 });
    expect(wakeUp.count).toBe(0);
  });

  it("does not let in more than 256 KiB", async () => {
    const { post, run } = start();
    expect(await post({ ...run("QUEUED"), more: "x".repeat(256 * 1024) })).toMatchObject({ statusCode: 413 });
  });
});
