import { describe, expect, it } from "vitest";
import { SecretUnavailableError } from "../../../handlers/lib/core/errors.ts";
import { createKeyring } from "../../../handlers/lib/core/keyring.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createSecretsFake, createWebhook, notification, runBody } from "./harness.ts";

function setUp(stored: readonly string[]) {
  const clock = createFakeClock();
  const secrets = createSecretsFake(stored);
  const keyring = createKeyring("arn", { secrets, clock });
  return { clock, secrets, fits: (key: string) => keyring.fits((candidate) => candidate === key) };
}

describe("a rotation of the key", () => {
  it("takes the new key without a deployment, and the previous one as well", async () => {
    const { secrets, fits } = setUp(["old"]);
    expect(await fits("old")).toBe(true);
    secrets.stored = ["new", "old"];
    expect(await fits("new")).toBe(true);
    expect(await fits("old")).toBe(true);
    expect(secrets.asked()).toBe(2);
  });

  it("drops the key before the previous one", async () => {
    const { clock, secrets, fits } = setUp(["old"]);
    expect(await fits("old")).toBe(true);
    secrets.stored = ["newest", "newer"];
    expect(await fits("newest")).toBe(true);
    clock.advance(30_000);
    expect(await fits("old")).toBe(false);
  });

  it("reaches through the whole webhook", async () => {
    const webhook = createWebhook({ keys: ["old"] });
    const body = runBody([{ trigger: "run:created", run_status: "pending" }]);
    expect((await webhook.send(notification(body, "old"))).statusCode).toBe(200);
    webhook.secrets.stored = ["new", "old"];
    expect((await webhook.send(notification(body, "new"))).statusCode).toBe(200);
    expect((await webhook.send(notification(body, "old"))).statusCode).toBe(200);
  });
});

describe("a stranger who signs wrongly", () => {
  it("costs one look at the secret in 30 seconds, however often he tries", async () => {
    const { clock, secrets, fits } = setUp(["key"]);
    for (let tries = 0; tries < 100; tries += 1) expect(await fits("wrong")).toBe(false);
    expect(secrets.asked()).toBe(2);
    clock.advance(29_999);
    expect(await fits("wrong")).toBe(false);
    expect(secrets.asked()).toBe(2);
    clock.advance(1);
    expect(await fits("wrong")).toBe(false);
    expect(secrets.asked()).toBe(3);
  });

  it("cannot lock others out while the store is down", async () => {
    const { secrets, fits } = setUp(["key"]);
    expect(await fits("key")).toBe(true);
    secrets.failure = new SecretUnavailableError("down");
    await expect(fits("wrong")).rejects.toThrow(SecretUnavailableError);
    expect(await fits("wrong")).toBe(false);
    expect(await fits("key")).toBe(true);
  });

  it("does not learn from the time taken which key fits: all are tried", async () => {
    const secrets = createSecretsFake(["current", "previous"]);
    const keyring = createKeyring("arn", { secrets, clock: createFakeClock() });
    const tried: string[] = [];
    await keyring.fits((candidate) => {
      tried.push(candidate);
      return candidate === "current";
    });
    expect(tried).toEqual(["current", "previous"]);
  });
});

describe("a secret without a value", () => {
  it("is asked for again every five seconds at most, and works once it is set", async () => {
    const { clock, secrets, fits } = setUp([]);
    for (let tries = 0; tries < 10; tries += 1) await expect(fits("key")).rejects.toThrow("has no value yet");
    expect(secrets.asked()).toBe(1);
    secrets.stored = ["key"];
    clock.advance(5_000);
    expect(await fits("key")).toBe(true);
  });
});
