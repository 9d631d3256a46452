import { describe, expect, it } from "vitest";
import { createWebhookVendor } from "../../../handlers/lib/vendors/webhooks.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { createWebhook } from "./harness.ts";

const secret = "test-hook-secret";
const header = "X-Agent-Fleets-Hook";

/** What Azure DevOps posts when a job changes its state; it names no pool. */
const jobState = {
  subscriptionId: "00000000-0000-0000-0000-000000000001",
  notificationId: 3,
  id: "event",
  eventType: "ms.vss-pipelines.job-state-changed-event",
  publisherId: "pipelines",
  resource: { job: { state: "waiting" }, stage: { name: "canary-stage" } },
  createdDate: "2026-01-01T00:00:00.000Z",
};

function start(keys: readonly string[] = [secret]) {
  const webhook = createWebhook({ keys });
  webhook.deps.vendor = createWebhookVendor(
    {
      type: "azure-devops",
      url: "https://dev.azure.com/acme",
      auth: { type: "pat" },
      pool: { name: "aws" },
      capabilities: {},
      placeholder: "keeps-the-queue-open",
    },
    { log: createLogFake(), metrics: createMetricsFake(), clock: createFakeClock() },
  );
  const post = (body: unknown, headers: Record<string, string> = { [header]: secret }) =>
    webhook.send({ path: "/service-hook", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  return { ...webhook, post };
}

describe("service hooks of Azure DevOps", () => {
  it.each([header, header.toLowerCase(), header.toUpperCase()])("wake the loop by a secret in %s", async (name) => {
    const { post, wakeUp } = start();
    expect(await post(jobState, { [name]: secret })).toEqual({ statusCode: 200, body: "" });
    expect(wakeUp.count).toBe(1);
  });

  it.each([
    "waiting",
    "running",
    "completed",
  ])("wake the loop when a job is %s: none says of which pool", async (state) => {
    const { post, wakeUp } = start();
    await post({ ...jobState, resource: { job: { state } } });
    expect(wakeUp.count).toBe(1);
  });

  it.each<[string, Record<string, string>]>([
    ["no secret", {}],
    ["an empty one", { [header]: "" }],
    ["another", { [header]: "test-hook-secret-of-others" }],
    ["its beginning", { [header]: secret.slice(0, -1) }],
    ["more than it", { [header]: `${secret}x` }],
    ["it twice", { [header]: `${secret},${secret}` }],
    ["it in another case", { [header]: secret.toUpperCase() }],
    ["it in the wrong header", { authorization: secret }],
  ])("are refused with %s, and nobody is woken", async (_, headers) => {
    const { post, wakeUp, written } = start(["", secret]);
    expect(await post(jobState, headers)).toEqual({ statusCode: 401, body: "" });
    expect(wakeUp.count).toBe(0);
    expect(written()).not.toContain(secret);
  });

  it("are let in by the previous secret too", async () => {
    expect(await start(["test-newest", secret]).post(jobState)).toMatchObject({ statusCode: 200 });
  });

  it("let nobody in by an empty secret", async () => {
    expect(await start([""]).post(jobState, { [header]: "" })).toMatchObject({ statusCode: 401 });
  });

  it("of no interest are answered, and wake nobody", async () => {
    const { post, wakeUp } = start();
    expect(await post({ ...jobState, eventType: "git.push" })).toMatchObject({ statusCode: 200 });
    expect(wakeUp.count).toBe(0);
  });

  it.each(["", "no json", "[]", "null", "{}", '{"eventType":7}'])("are refused as %j", async (body) => {
    const { post, wakeUp } = start();
    expect(await post(body)).toMatchObject({ statusCode: 400 });
    expect(wakeUp.count).toBe(0);
  });

  it("have one path, and their words stay out of the log", async () => {
    const { post, send, written } = start();
    await post(jobState);
    expect(written()).not.toContain("canary");
    expect(await send({ path: "/notifications", headers: { [header]: secret } })).toMatchObject({ statusCode: 404 });
  });
});
