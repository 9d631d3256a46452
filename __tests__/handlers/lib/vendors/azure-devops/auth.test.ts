import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Vendor } from "../../../../../handlers/lib/core/ports.ts";
import { createAzureDevOps } from "../../../../../handlers/lib/vendors/azure-devops/client.ts";
import type { VendorDeps } from "../../../../../handlers/lib/vendors/deps.ts";
import type { FakePool } from "../../../../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../../fakes/azure-devops.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";

describe("signing in to Azure DevOps", () => {
  let clock: FakeClock;
  let fake: AzureDevOpsFake;
  let pools: [FakePool, FakePool];
  /** What the secret holds; the reader answers with `cached` until asked afresh. */
  let secret: { newest: string; cached: string; freshReadings: number };
  let deps: VendorDeps;

  beforeEach(async () => {
    clock = createFakeClock();
    fake = await startAzureDevOpsFake({ clock });
    pools = [fake.state.addPool("one"), fake.state.addPool("two")];
    secret = { newest: "", cached: "", freshReadings: 0 };
    deps = {
      clock,
      async readToken({ fresh = false } = {}) {
        if (fresh) {
          secret.freshReadings += 1;
          secret.cached = secret.newest;
        }
        return secret.cached;
      },
    };
  });
  afterEach(() => fake.close());

  const holds = (value: string) => Object.assign(secret, { newest: value, cached: value });
  const vendorOf = (pool: FakePool, auth: "pat" | "service-principal"): Vendor =>
    createAzureDevOps(fake.runtime(pool, auth), deps);
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );
  const tokenRequests = () => fake.requests.filter(({ path }) => path.endsWith("/token"));

  describe("by personal access token", () => {
    it("sends it as the password of nobody", async () => {
      holds(fake.state.pat);
      await vendorOf(pools[0], "pat").readDemand();
      expect(fake.requests[0]?.headers.authorization).toBe(`Basic ${btoa(":test-pat")}`);
    });

    for (const refusal of [203, 302, 401] as const) {
      it(`reads it afresh once after a refusal by ${refusal}, and goes on with a newer one`, async () => {
        holds("test-pat-of-yesterday");
        secret.newest = fake.state.pat;
        fake.state.refusal = refusal;
        await expect(vendorOf(pools[0], "pat").readDemand()).resolves.toMatchObject({ queued: 0 });
        expect(secret.freshReadings).toBe(1);
        expect(fake.requests).toHaveLength(3);
      });

      it(`takes a refusal by ${refusal} for one, never for an answer, and tells nobody the token`, async () => {
        holds("canary-pat");
        fake.state.refusal = refusal;
        const failure = await failureOf(vendorOf(pools[0], "pat").listAgents());
        expect(failure).toMatchObject({ name: "VendorApiError", kind: "unauthorized", status: refusal });
        expect(String(failure)).not.toContain("canary");
        expect(fake.requests).toHaveLength(1);
      });
    }
  });

  describe("as a service principal", () => {
    beforeEach(() => holds(fake.state.principal.secret));

    it("asks Entra for a token of Azure DevOps, and keeps it", async () => {
      const vendor = vendorOf(pools[0], "service-principal");
      await vendor.readDemand();
      await vendor.listAgents();
      expect(tokenRequests()).toHaveLength(1);
      expect(fake.requests.at(-1)?.headers.authorization).toBe("Bearer test-token-1");
    });

    it("renews it five minutes before it ends, so that no request goes out with one that has ended", async () => {
      const vendor = vendorOf(pools[0], "service-principal");
      await vendor.readDemand();
      clock.advance(3299_000);
      await vendor.readDemand();
      expect(fake.state.tokensGiven).toBe(1);
      clock.advance(1_000);
      await vendor.readDemand();
      expect(fake.state.tokensGiven).toBe(2);
      expect(fake.requests.filter(({ path }) => path.endsWith("/jobrequests"))).toHaveLength(3);
    });

    it("asks once for all pools of a fleet, however many ask at the same time", async () => {
      const vendors = pools.map((pool) => vendorOf(pool, "service-principal"));
      await Promise.all(vendors.flatMap((vendor) => [vendor.readDemand(), vendor.listAgents()]));
      expect(fake.state.tokensGiven).toBe(1);
    });

    it("asks for another token once where one is refused before its time", async () => {
      const vendor = vendorOf(pools[0], "service-principal");
      await vendor.readDemand();
      fake.state.tokens.clear();
      await expect(vendor.readDemand()).resolves.toMatchObject({ queued: 0 });
      expect(fake.state.tokensGiven).toBe(2);
      expect(secret.freshReadings).toBe(1);
      fake.fail({ path: /jobrequests$/, answer: { status: 401 } });
      await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "unauthorized" });
      expect(fake.state.tokensGiven).toBe(3);
    });

    it("does not remember that it got none", async () => {
      const vendor = vendorOf(pools[0], "service-principal");
      fake.fail({ path: /token$/, answer: { status: 503 } });
      await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "unavailable" });
      fake.clearFaults();
      await expect(vendor.readDemand()).resolves.toMatchObject({ queued: 0 });
    });

    it("reads the secret afresh once where Entra refuses it, and goes on with a newer one", async () => {
      holds("test-secret-of-yesterday");
      secret.newest = fake.state.principal.secret;
      await expect(vendorOf(pools[0], "service-principal").readDemand()).resolves.toMatchObject({ queued: 0 });
      expect(tokenRequests()).toHaveLength(2);
      expect(secret.freshReadings).toBe(1);
    });

    it.each([
      ["a wrong secret", () => holds("canary-secret"), 401, "invalid_client AADSTS7000215"],
      [
        "an unknown application",
        () => Object.assign(fake.state.principal, { clientId: "other" }),
        400,
        "unauthorized_client AADSTS700016",
      ],
      [
        "an unknown tenant",
        () => Object.assign(fake.state.principal, { tenantId: "other" }),
        400,
        "invalid_request AADSTS90002",
      ],
    ] as const)("says what Entra has against %s, in codes only", async (_, spoil, status, codes) => {
      const vendor = vendorOf(pools[0], "service-principal");
      spoil();
      const failure = await failureOf(vendor.readDemand());
      expect(failure).toMatchObject({ kind: "unauthorized", status });
      expect(String(failure)).toContain(codes);
      expect(String(failure)).not.toContain("canary");
      expect(tokenRequests()).toHaveLength(1);
    });

    it.each([
      {},
      { access_token: "", expires_in: 3600 },
      { access_token: "t" },
    ])("takes %j for no token", async (json) => {
      fake.fail({ path: /token$/, answer: { status: 200, json } });
      await expect(vendorOf(pools[0], "service-principal").readDemand()).rejects.toMatchObject({ kind: "malformed" });
    });
  });
});
