import { X509Certificate } from "node:crypto";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { ReadableStream } from "node:stream/web";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { SecretUnavailableError } from "../core/errors.ts";
import type { SecretReader } from "../core/ports.ts";
import type { OutboundSettings } from "../settings/outbound.ts";
import { type HttpProxy, isExempt, proxyAuthorization, TunnelAgent } from "./proxy.ts";

/** Certificate authorities and a proxy of the user's own, for calls of the vendor. */
export interface Outbound {
  /** Certificates to trust besides the well-known ones, in PEM form. */
  readonly readCaCertificates?: (() => Promise<string>) | undefined;
  readonly proxy?:
    | (Pick<HttpProxy, "url"> & {
        readonly noProxy: readonly string[];
        /** `user:password`. */
        readonly readCredentials?: (() => Promise<string>) | undefined;
      })
    | undefined;
}

/** The settings' secrets are read at the first call, and again as the reader's cache expires. */
export function outboundOf(settings: OutboundSettings | undefined, secrets: SecretReader): Outbound | undefined {
  if (settings === undefined) return undefined;
  const { caCertificatesArn, proxy } = settings;
  const reader = (arn: string | undefined) => (arn === undefined ? undefined : () => secrets.read(arn));
  return {
    readCaCertificates: reader(caCertificatesArn),
    proxy: proxy && { ...proxy, readCredentials: reader(proxy.credentialsArn) },
  };
}

const shownToProxies = new WeakMap<typeof fetch, ReadonlySet<string>>();

/**
 * The values of `Proxy-Authorization` that a `fetch` by {@link createFetch} has sent so far. A proxy that looks into TLS can
 * answer in the vendor's place, and repeat them.
 */
export function shownToProxy(way: typeof fetch): Iterable<string> {
  return shownToProxies.get(way) ?? [];
}

/**
 * `fetch` for https, with the user's own certificate authorities and proxy. Node's own takes neither for one kind of
 * calls only: `NODE_EXTRA_CA_CERTS` and `NODE_USE_ENV_PROXY` are read once, when Node starts, and count for all calls.
 * Plain http, which is for loopback, goes to Node's `fetch`. Knows what our HTTP layer uses: method, headers, a body of
 * text or bytes, signal. Never follows redirects, asks for no compression.
 *
 * @returns `undefined` without {@link Outbound}: Node's own `fetch` will do
 * @throws SecretUnavailableError if a secret cannot be read; else as `fetch` does
 */
export function createFetch(outbound: Outbound | undefined): typeof fetch | undefined {
  if (outbound?.readCaCertificates === undefined && outbound?.proxy === undefined) return undefined;
  const shown = new Set<string>();
  const agentFor = createAgents(outbound, shown);
  const way: typeof fetch = async (target, init = {}) => {
    const url = new URL(String(target));
    if (url.protocol !== "https:") return fetch(target, init);
    const agent = await agentFor(url);
    const { signal } = init;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const options: RequestOptions = {
        agent,
        method: init.method ?? "GET",
        headers: Object.fromEntries(new Headers(init.headers)),
        ...(signal && { signal }),
      };
      const sent = httpsRequest(url, options, (message) => {
        const status = message.statusCode ?? 0;
        const hasBody = ![101, 204, 205, 304].includes(status);
        const headers = Object.entries(message.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        );
        if (!hasBody) message.resume();
        try {
          const body = hasBody ? ReadableStream.from(chunksOf(message, signal)) : null;
          resolve(new Response(body as ConstructorParameters<typeof Response>[0], { status, headers }));
        } catch (cause) {
          message.destroy();
          reject(new TypeError("fetch failed", { cause }));
        }
      });
      sent.on("error", (cause) => reject(signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause })));
      sent.end(init.body);
    });
  };
  shownToProxies.set(way, shown);
  return way;
}

/** As with `fetch`, a body that is cut off by the signal fails with the signal's reason. */
async function* chunksOf(message: AsyncIterable<Uint8Array>, signal: AbortSignal | null | undefined) {
  try {
    yield* message;
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/**
 * Agents keep connections. There is a new pair of them whenever the certificates or the credentials have changed.
 *
 * @param shown takes the credentials that proxies are shown
 */
function createAgents({ readCaCertificates, proxy }: Outbound, shown: Set<string>): (url: URL) => Promise<Agent> {
  let made: { readonly key: string; readonly direct: Agent; readonly tunnel: Agent | undefined } | undefined;
  return async ({ hostname }) => {
    const [certificates, credentials] = await Promise.all([readCaCertificates?.(), proxy?.readCredentials?.()]);
    const key = JSON.stringify([certificates, credentials]);
    if (made?.key !== key) {
      made?.direct.destroy();
      made?.tunnel?.destroy();
      const secureContext = trusting(certificates);
      if (credentials !== undefined) shown.add(proxyAuthorization(credentials));
      const kept = { keepAlive: true, secureContext };
      const tunnel = proxy && new TunnelAgent({ url: proxy.url, credentials }, kept);
      made = { key, direct: new Agent(kept), tunnel };
    }
    return made.tunnel !== undefined && !isExempt(hostname, proxy?.noProxy ?? []) ? made.tunnel : made.direct;
  };
}

function trusting(certificates: string | undefined): SecureContext | undefined {
  if (certificates === undefined) return undefined;
  try {
    const own = certificates.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    const begun = certificates.match(/-----BEGIN CERTIFICATE-----/g)?.length;
    if (own.length === 0 || begun !== own.length) throw new Error("there is none, or one has no end");
    // OpenSSL skips texts that are no certificates, without a word.
    for (const certificate of own) new X509Certificate(certificate);
    return createSecureContext({ ca: [...rootCertificates, ...own] });
  } catch (cause) {
    throw new SecretUnavailableError("vendor.caCertificates hold no certificates in PEM form", { cause });
  }
}
