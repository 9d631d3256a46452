import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { SecretUnavailableError } from "../../../../handlers/lib/core/errors.ts";
import type { Vendor } from "../../../../handlers/lib/core/ports.ts";
import { createAzureDevOps } from "../../../../handlers/lib/vendors/azure-devops/client.ts";
import type { VendorDeps } from "../../../../handlers/lib/vendors/deps.ts";
import { createHcpTerraform } from "../../../../handlers/lib/vendors/hcp-terraform/client.ts";
import { createHttp } from "../../../../handlers/lib/vendors/http.ts";
import { createFetch, type Outbound, outboundOf } from "../../../../handlers/lib/vendors/outbound.ts";
import { isExempt } from "../../../../handlers/lib/vendors/proxy.ts";
import { createSemaphore } from "../../../../handlers/lib/vendors/semaphore/client.ts";
import { createSpacelift } from "../../../../handlers/lib/vendors/spacelift/client.ts";
import { startAzureDevOpsFake } from "../../../fakes/azure-devops.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import {
  hasOpenssl,
  makeAuthorities,
  type PrivateNetwork,
  startPrivateNetwork,
} from "../../../fakes/private-network.ts";
import { startSemaphoreFake } from "../../../fakes/semaphore.ts";
import { startSpaceliftFake } from "../../../fakes/spacelift.ts";

const workerPoolId = "01HCC6QZ932J7WDF4FTVM9QMEP";
const clock = createFakeClock();
const credentials = "fleet:a p@ss:word";

/** Each vendor's fake, with a waiting job, and its runtime client at another address. */
const vendors: Readonly<
  Record<string, () => Promise<{ fake: HttpFake; at: (url: string, fetch: VendorDeps["fetch"]) => Vendor }>>
> = {
  "Terraform Enterprise": async () => {
    const fake = await startHcpTerraformFake({ clock });
    const { state } = fake;
    state.queueRun(state.addWorkspace("web", state.addPool("aws")));
    const runtime = { type: "hcp-terraform", organization: state.organization, agentPool: "aws" } as const;
    const readToken = async () => fake.token;
    const at = (address: string, fetch: VendorDeps["fetch"]) =>
      createHcpTerraform({ ...runtime, address, demand: "api" }, { clock, readToken, fetch });
    return { fake, at };
  },
  "Azure DevOps Server": async () => {
    const fake = await startAzureDevOpsFake({ clock });
    const pool = fake.state.addPool("aws");
    fake.state.addJob(pool);
    const runtime = fake.runtime(pool, "pat");
    const readToken = async () => fake.state.pat;
    return {
      fake,
      at: (url, fetch) =>
        createAzureDevOps({ ...runtime, url: runtime.url.replace(fake.url, url) }, { clock, readToken, fetch }),
    };
  },
  "self-hosted Spacelift": async () => {
    const fake = await startSpaceliftFake({ clock });
    const { state } = fake;
    state.addPool(workerPoolId).pendingRuns = 1;
    const runtime = { type: "spacelift", apiKeyId: state.keyId, workerPoolId, group: "ci" } as const;
    const readToken = async () => state.secret;
    return { fake, at: (endpoint, fetch) => createSpacelift({ ...runtime, endpoint }, { clock, readToken, fetch }) };
  },
  "self-hosted Semaphore": async () => {
    const fake = await startSemaphoreFake();
    fake.queueJob();
    const readToken = async () => fake.token;
    return {
      fake,
      at: (address, fetch) => createSemaphore({ type: "semaphore", address }, { clock, readToken, fetch }),
    };
  },
};

describe.skipIf(!hasOpenssl)("a vendor behind a certificate authority and a proxy of the user's", () => {
  let network: PrivateNetwork;
  const fakes: HttpFake[] = [];
  beforeAll(async () => {
    network = await startPrivateNetwork();
  });
  afterEach(() => Promise.all(fakes.splice(0).map((fake) => fake.close())));
  afterAll(() => network.close());

  const trusting = (changes: Outbound = {}): Outbound => ({ readCaCertificates: async () => network.ca, ...changes });

  /** An HTTP fake behind TLS. */
  async function startTarget(handle: Parameters<typeof startHttpFake>[0]) {
    const fake = await startHttpFake(handle);
    fakes.push(fake);
    return { fake, url: await network.secure(fake.url) };
  }

  describe.each(Object.entries(vendors))("%s", (_, start) => {
    async function startVendor() {
      const { fake, at } = await start();
      fakes.push(fake);
      return { at, url: await network.secure(fake.url) };
    }

    it("is asked with the certificates, and not without", async () => {
      const { at, url } = await startVendor();
      expect(await at(url, createFetch(trusting())).readDemand()).toMatchObject({ queued: 1 });
      await expect(at(url, undefined).readDemand()).rejects.toThrow(/the connection failed \(.*(CERT|VERIFY|ISSUER)/);
    });

    it.each([false, true])("is asked through the proxy, by TLS: %s", async (tls) => {
      const { at, url } = await startVendor();
      const proxy = await network.proxy({ credentials, tls });
      const ways = { url: proxy.url, noProxy: [], readCredentials: async () => credentials };
      const vendor = at(url, createFetch(trusting({ proxy: ways })));
      expect(await vendor.readDemand()).toMatchObject({ queued: 1 });
      await vendor.listAgents();
      expect(new Set(proxy.asked)).toEqual(new Set([new URL(url).host]));
    });
  });

  const httpTo = (baseUrl: string, outbound: Outbound, timeoutMilliseconds = 20_000) =>
    createHttp({ baseUrl, clock, timeoutMilliseconds, attempts: 1, fetch: createFetch(outbound) });

  it("sends method, headers and body as they are, and passes on status, headers and text", async () => {
    const { fake, url } = await startTarget(() => ({ status: 201, headers: { "x-own": "ü" }, text: "Áé漢字🚀" }));
    const answer = await httpTo(url, trusting()).send({ method: "POST", path: "/a%20b?c=1", body: { d: "漢" } });
    expect(answer).toMatchObject({ status: 201, text: "Áé漢字🚀" });
    expect(fake.requests[0]).toMatchObject({ method: "POST", path: "/a b", body: Buffer.from('{"d":"漢"}') });
    expect(fake.requests[0]?.headers).toMatchObject({ "content-type": "application/json", "content-length": "11" });
  });

  it("knows answers without a body, and does not follow redirects", async () => {
    const { url } = await startTarget(({ path }) => ({
      status: path === "/none" ? 204 : 302,
      headers: { location: "/none" },
    }));
    const http = httpTo(url, trusting());
    expect(await http.send({ method: "DELETE", path: "/none" })).toMatchObject({ status: 204, text: "" });
    await expect(http.send({ method: "GET", path: "/" })).rejects.toThrow("answered 302, a redirect");
  });

  it.each(["hang", "cut-off"] as const)("ends in time when the server does this: %s", async (answer) => {
    const { fake, url } = await startTarget(() => ({ status: 200, json: { text: "long enough" } }));
    fake.fail({ answer });
    const sent = httpTo(url, trusting(), answer === "hang" ? 300 : 20_000).send({ method: "GET", path: "/" });
    await expect(sent).rejects.toMatchObject({ kind: answer === "hang" ? "timeout" : "unavailable" });
  });

  it("tells that the proxy refuses, without the credentials", async () => {
    const { url } = await startTarget(() => ({ status: 200 }));
    const { url: proxyUrl } = await network.proxy({ credentials });
    const ways = { url: proxyUrl, noProxy: [], readCredentials: async () => "nobody:guess" };
    const sent = httpTo(url, trusting({ proxy: ways })).send({ method: "GET", path: "/x" });
    await expect(sent).rejects.toThrow(/^GET \/x: the connection failed \(the proxy answered 407\)$/);
  });

  describe("whatever a hostile proxy does", () => {
    const secret = "pr0xy-Pa+ss/word";
    const login = `fleet:${secret}`;
    const inHeader = Buffer.from(login).toString("base64");
    const words = `${login} ${inHeader} ${encodeURIComponent(secret)} ${JSON.stringify(secret)} ${secret.toUpperCase()}`;

    /** The answer of a server that sees the traffic in clear text, because it has a certificate that is trusted. */
    const inside = (status: number) => async () => {
      const text = JSON.stringify({ errors: [{ detail: words, [words]: words }] });
      const headers = { location: `https://${login}@x.example/`, "x-echo": words };
      const { url } = await startTarget(() => ({ status, headers, text }));
      return url;
    };
    const cases: readonly (readonly [what: string, answer: string | (() => Promise<string>)])[] = [
      [
        "asks for other credentials",
        `HTTP/1.1 407 ${words}\r\nproxy-authenticate: Basic realm="${words}"\r\n\r\n${words}`,
      ],
      ["redirects", `HTTP/1.1 302 ${words}\r\nlocation: http://${login}@proxy.example/\r\n\r\n`],
      ["fails", `HTTP/1.1 502 ${words}\r\n\r\n${words}`],
      ["speaks no HTTP", `${words}\r\n\r\n`],
      ["speaks no TLS behind the tunnel", `HTTP/1.1 200 ${words}\r\n\r\n${words}`],
      ["answers an invalid header", `HTTP/1.1 200 OK\r\n${words}\r\n\r\n`],
      ["answers 400 itself", inside(400)],
      ["answers 403 itself", inside(403)],
      ["redirects by itself", inside(302)],
      ["answers 200 itself", inside(200)],
      ["fails by itself", inside(500)],
    ];

    it.each(cases)("and %s, its credentials are in no message", async (_, answer) => {
      const target = typeof answer === "string" ? undefined : new URL(await answer());
      const server = createServer().on("connect", (_request, client: Socket) => {
        client.on("error", () => client.destroy());
        if (target === undefined) return client.end(String(answer));
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        const behind = connect(Number(target.port), target.hostname).on("error", () => client.destroy());
        client.on("close", () => behind.destroy());
        return behind.pipe(client).pipe(behind);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const proxy = { url: `http://127.0.0.1:${port}`, noProxy: [], readCredentials: async () => login };
      const http = createHttp({
        ...{ baseUrl: "https://127.0.0.1:1", clock, attempts: 1, fetch: createFetch(trusting({ proxy })) },
        explain: (body) => JSON.stringify(body),
      });
      const body = { method: "GET", path: "/x" } as const;
      const told = [http.send(body), http.json(z.object({ errors: z.array(z.object({ detail: z.string() })) }), body)];
      for (const outcome of await Promise.allSettled(told)) {
        const text =
          outcome.status === "fulfilled"
            ? { ...outcome.value, headers: [] }
            : [outcome.reason, String(outcome.reason.stack)];
        const seen = inspect(text, { depth: 9, showHidden: true }).toLowerCase();
        for (const part of [secret, inHeader, encodeURIComponent(secret)]) {
          for (let at = 0; at + 8 <= part.length; at += 1)
            expect(seen).not.toContain(part.toLowerCase().slice(at, at + 8));
        }
      }
      server.close();
      server.closeAllConnections();
    });

    it.each([
      "http://127.0.0.1:1",
      "https://127.0.0.1:1",
      "http://no-such-host.invalid:3128",
    ])("and does not answer at all (%s), its credentials are in no message", async (url) => {
      const proxy = { url, noProxy: [], readCredentials: async () => login };
      const sent = httpTo("https://127.0.0.1:1", trusting({ proxy })).send({ method: "GET", path: "/x" });
      await expect(sent).rejects.toThrow(/^GET \/x: the connection failed \([A-Z_]+\)$/);
    });

    it("and keeps silent until the time is over, its credentials are in no message", async () => {
      const server = createServer().on("connect", () => undefined);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const proxy = { url: `http://127.0.0.1:${port}`, noProxy: [], readCredentials: async () => login };
      const sent = httpTo("https://127.0.0.1:1", trusting({ proxy }), 300).send({ method: "GET", path: "/x" });
      await expect(sent).rejects.toThrow(/^GET \/x: no complete answer within 300 ms$/);
      server.close();
      server.closeAllConnections();
    });
  });

  it("reaches exempt hosts without the proxy", async () => {
    const { url } = await startTarget(() => ({ status: 200, text: "direct" }));
    const proxy = await network.proxy();
    const outbound = trusting({ proxy: { url: proxy.url, noProxy: ["127.0.0.0/8"] } });
    expect(await httpTo(url, outbound).send({ method: "GET", path: "/" })).toMatchObject({ text: "direct" });
    expect(proxy.asked).toEqual([]);
  });

  it("trusts new certificates and credentials as soon as the secrets have them", async () => {
    const { url } = await startTarget(() => ({ status: 200, text: "here" }));
    let ca = makeAuthorities(1).join("");
    const http = httpTo(url, { readCaCertificates: async () => ca });
    await expect(http.send({ method: "GET", path: "/" })).rejects.toThrow("the connection failed");
    ca = [...makeAuthorities(9), network.ca].join("\n");
    expect(await http.send({ method: "GET", path: "/" })).toMatchObject({ text: "here" });
  });

  it.each([
    ["no certificates", async (): Promise<string> => "nothing of the kind", "hold no certificates"],
    [
      "broken ones",
      async (): Promise<string> => "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
      "hold no certificates",
    ],
    [
      "one without its end",
      async (): Promise<string> => `${network.ca}-----BEGIN CERTIFICATE-----\nMIIB\n`,
      "hold no certificates",
    ],
    [
      "no value",
      (): Promise<string> => Promise.reject(new SecretUnavailableError("The secret x has no value yet")),
      "has no value yet",
    ],
  ] as const)("says so if the secret has %s", async (_, readCaCertificates, message) => {
    const { url } = await startTarget(() => ({ status: 200 }));
    const sent = httpTo(url, { readCaCertificates }).send({ method: "GET", path: "/" });
    await expect(sent).rejects.toThrow(message);
    await expect(sent).rejects.toBeInstanceOf(SecretUnavailableError);
  });
});

describe("the way out of a function", () => {
  it("is Node's own without settings", () => {
    const secrets = { read: () => Promise.reject(new Error("never")), readVersions: async () => [] };
    expect(createFetch(outboundOf(undefined, secrets))).toBeUndefined();
    expect(createFetch(outboundOf({}, secrets))).toBeUndefined();
  });

  it("reads the secrets that the settings name", async () => {
    const secrets = { read: async (arn: string) => `value of ${arn}`, readVersions: async () => [] };
    const proxy = { url: "http://proxy.example.com:3128", noProxy: ["a"], credentialsArn: "credentials" };
    const outbound = outboundOf({ caCertificatesArn: "ca", proxy }, secrets);
    expect(await outbound?.readCaCertificates?.()).toBe("value of ca");
    expect(await outbound?.proxy?.readCredentials?.()).toBe("value of credentials");
  });

  it.each([
    ["app.example.com", ["example.com"], true],
    ["app.example.com", [".example.com"], true],
    ["example.com", [".EXAMPLE.com"], true],
    ["badexample.com", ["example.com"], false],
    ["app.example.com", ["other.com", "*"], true],
    ["10.1.2.3", ["10.0.0.0/8"], true],
    ["11.1.2.3", ["10.0.0.0/8"], false],
    ["10.1.2.3", ["10.1.2.3"], true],
    ["10.1.2.3", ["10.0.0.0/99", "10.0.0.0/x", ""], false],
    ["[fd00::1]", ["fd00::/8"], true],
    ["app.example.com", ["10.0.0.0/8"], false],
    ["app.example.com.", ["example.com"], true],
    ["app.example.com", ["example.com."], true],
    ["app.example.com", ["*.example.com"], true],
    ["[fd00::1]", ["[fd00::1]"], true],
    ["[fd00::1]", ["[fd00::]/8"], true],
    ["[fe80::1]", ["[fd00::]/8"], false],
    ["app.example.com", [".", "*.", "[]", "[", "/8"], false],
  ] as const)("of %s with %j is direct: %s", (host, noProxy, expected) => {
    expect(isExempt(host, noProxy)).toBe(expected);
  });
});
