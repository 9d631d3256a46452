import { afterEach, describe, expect, it, type TestContext, vi } from "vitest";
import { type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { createWebhook, runTask } from "./harness.ts";

const fakes: HttpFake[] = [];

async function startCallbackHost(): Promise<HttpFake> {
  const fake = await startHttpFake(() => ({ status: 200, json: {} }));
  fakes.push(fake);
  return fake;
}

afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()));
});

const callbackPath = "/api/v2/task-results/1/callback";

function taskBody(callbackUrl: string, changes: object = {}) {
  return {
    payload_version: 1,
    stage: "pre_plan",
    access_token: "canary-token",
    task_result_callback_url: callbackUrl,
    task_result_enforcement_level: "advisory",
    is_speculative: false,
    run_id: "run-1",
    workspace_id: "ws-1",
    organization_name: "acme",
    ...changes,
  };
}

describe("a run task", () => {
  it("passes at once and wakes the loop", async () => {
    const host = await startCallbackHost();
    const webhook = createWebhook({ address: host.url });
    const answer = await webhook.send(runTask(taskBody(`${host.url}${callbackPath}?id=1`)));
    expect(answer).toEqual({ statusCode: 200, body: "" });
    expect(webhook.wakeUp.count).toBe(1);
    expect(host.requests).toHaveLength(1);
    const [call] = host.requests;
    expect(call).toMatchObject({ method: "PATCH", path: callbackPath });
    expect(call?.query.get("id")).toBe("1");
    expect(call?.headers).toMatchObject({
      authorization: "Bearer canary-token",
      "content-type": "application/vnd.api+json",
    });
    expect(JSON.parse(String(call?.body))).toMatchObject({
      data: { type: "task-results", attributes: { status: "passed" } },
    });
  });

  it("before an apply tells the ledger that the run goes on, which no notification does", async () => {
    const host = await startCallbackHost();
    const webhook = createWebhook({ address: host.url, ledger: true });
    const url = `${host.url}${callbackPath}`;
    await webhook.send(runTask(taskBody(url)));
    expect(await webhook.ledger.listOpen()).toEqual([]);
    await webhook.send(runTask(taskBody(url, { stage: "pre_apply" })));
    expect(await webhook.ledger.listOpen()).toMatchObject([
      { runId: "run-1", workspaceId: "ws-1", status: "pre_apply_running", final: false },
    ]);
  });

  it.each([
    { stage: "test" },
    { task_result_enforcement_level: "test" },
  ])("answers the handshake %j without a callback or a wake-up", async (changes) => {
    const webhook = createWebhook();
    const answer = await webhook.send(runTask(taskBody("https://example.invalid/", changes)));
    expect(answer).toEqual({ statusCode: 200, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
  });

  it("answers 400 to a signed body that is no run task", async () => {
    const webhook = createWebhook();
    expect((await webhook.send(runTask({ stage: "pre_plan" }))).statusCode).toBe(400);
  });
});

describe("defect 6: a callback to a host the payload chose", () => {
  it.each([
    ["another host", "https://evil.example/callback"],
    ["a host that begins alike", "https://app.terraform.io.evil.example/callback"],
    ["our host as user name", "https://app.terraform.io@evil.example/callback"],
    ["credentials at our host", "https://user:canary@app.terraform.io/callback"],
    ["another port", "https://app.terraform.io:8443/callback"],
    ["plain http", "http://app.terraform.io/callback"],
    ["loopback", "http://127.0.0.1:9/callback"],
    ["the metadata service", "http://169.254.169.254/latest/"],
    ["a file", "file:///etc/passwd"],
    ["no URL", "callback"],
    ["a path", "/callback"],
  ])("answers 400 to %s, sends nothing and logs neither URL nor token", async (_, url) => {
    const webhook = createWebhook();
    expect(await webhook.send(runTask(taskBody(url)))).toEqual({ statusCode: 400, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
    expect(webhook.lines.map(({ level }) => level)).toContain("warn");
    const written = webhook.written();
    expect(written).not.toContain("canary");
    expect(written).not.toContain("callback?");
    expect(written).not.toContain("evil");
  });

  it("sends no token in the clear, even where the configured address is plain http", async () => {
    const webhook = createWebhook({ address: "http://tfe.invalid" });
    expect((await webhook.send(runTask(taskBody("http://tfe.invalid/callback")))).statusCode).toBe(400);
  });

  it("goes to any loopback address that the config takes", async () => {
    const webhook = createWebhook({ address: "http://127.0.0.2:9" });
    expect((await webhook.send(runTask(taskBody("http://127.0.0.2:9/callback")))).statusCode).toBe(200);
  });

  it("does not follow a redirect to another host", async () => {
    const [host, other] = await Promise.all([startCallbackHost(), startCallbackHost()]);
    host.fail({ answer: { status: 307, headers: { location: `${other.url}/callback` } } });
    const webhook = createWebhook({ address: host.url });
    expect((await webhook.send(runTask(taskBody(host.url + callbackPath)))).statusCode).toBe(200);
    expect(other.requests).toHaveLength(0);
  });
});

describe("a callback without success", () => {
  it.each([401, 404, 422, 500, 503])("is logged and counted but fails nothing (%d)", async (status) => {
    const host = await startCallbackHost();
    host.fail({ answer: { status, text: "canary-answer" } });
    const webhook = createWebhook({ address: host.url });
    expect((await webhook.send(runTask(taskBody(host.url + callbackPath)))).statusCode).toBe(200);
    expect(webhook.wakeUp.count).toBe(1);
    expect(webhook.records).toEqual([{ VendorApiErrors: 1 }]);
    expect(webhook.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(webhook.written()).not.toContain("canary");
    expect(webhook.written()).not.toContain(callbackPath);
    expect(host.requests).toHaveLength(status >= 500 ? 2 : 1);
  });

  it.each([401, 403, 404, 409, 422])("is no news of the run: %d is the answer to an old request", async (status) => {
    const host = await startCallbackHost();
    host.fail({ answer: { status } });
    const webhook = createWebhook({ address: host.url, ledger: true });
    const body = taskBody(host.url + callbackPath, { stage: "pre_apply" });
    expect((await webhook.send(runTask(body))).statusCode).toBe(200);
    expect(webhook.ledger.runs.size).toBe(0);
  });

  it("is news of the run if HCP Terraform is only out of order", async () => {
    const host = await startCallbackHost();
    host.fail({ answer: { status: 503 } });
    const webhook = createWebhook({ address: host.url, ledger: true });
    await webhook.send(runTask(taskBody(host.url + callbackPath, { stage: "pre_apply" })));
    expect(webhook.ledger.runs.size).toBe(1);
  });

  it.each<[string, object]>([
    ["a long run id", { run_id: "x".repeat(5000) }],
    ["a number as run id", { run_id: 7 }],
    ["a long workspace id", { workspace_id: "x".repeat(5000) }],
    ["a token that no header can hold", { access_token: "a\nb" }],
  ])("and %s fails nothing either", async (_, changes) => {
    const host = await startCallbackHost();
    const webhook = createWebhook({ address: host.url, ledger: true });
    const body = taskBody(host.url + callbackPath, { stage: "pre_apply", ...changes });
    expect((await webhook.send(runTask(body))).statusCode).toBe(200);
    expect(webhook.ledger.runs.size).toBe(0);
  });

  it("is repeated once where that may help", async () => {
    const host = await startCallbackHost();
    host.fail({ answer: { status: 502 }, times: 1 });
    const webhook = createWebhook({ address: host.url });
    await webhook.send(runTask(taskBody(host.url + callbackPath)));
    expect(host.requests).toHaveLength(2);
    expect(webhook.records).toEqual([]);
  });

  it("ends within seconds when nobody answers", async (t) => {
    const host = await startCallbackHost();
    host.fail({ answer: "hang" });
    const webhook = createWebhook({ address: host.url });
    const waits = hurry(t);
    expect((await webhook.send(runTask(taskBody(host.url + callbackPath)))).statusCode).toBe(200);
    expect(waits).toHaveLength(2);
    expect([...waits, ...webhook.clock.sleeps].reduce((sum, wait) => sum + wait, 0)).toBeLessThan(8_000);
    expect(webhook.records).toEqual([{ VendorApiErrors: 1 }]);
  });

  it("defect 5: does not quote a token that no header can carry", async () => {
    const host = await startCallbackHost();
    const webhook = createWebhook({ address: host.url });
    const body = taskBody(host.url + callbackPath, { access_token: "canary-token\r\nX-Other: 1" });
    expect((await webhook.send(runTask(body))).statusCode).toBe(200);
    expect(host.requests).toHaveLength(0);
    expect(webhook.written()).not.toContain("canary");
  });

  it("defect 5: fails quietly when nobody listens", async () => {
    const host = await startCallbackHost();
    await host.close();
    fakes.splice(0);
    const webhook = createWebhook({ address: host.url });
    expect((await webhook.send(runTask(taskBody(host.url + callbackPath)))).statusCode).toBe(200);
    expect(webhook.records).toEqual([{ VendorApiErrors: 1 }]);
  });
});

/** Lets the time limits of requests pass a hundred times as fast; returns them, in milliseconds, as they are asked for. */
function hurry({ onTestFinished }: TestContext): readonly number[] {
  const { timeout } = AbortSignal;
  const asked: number[] = [];
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    asked.push(milliseconds);
    return timeout.call(AbortSignal, milliseconds / 100);
  });
  onTestFinished(() => spy.mockRestore());
  return asked;
}
