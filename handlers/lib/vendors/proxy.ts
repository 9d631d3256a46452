import { request as httpRequest } from "node:http";
import { Agent, type AgentOptions, request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type SecureContext } from "node:tls";

/** A proxy for https. */
export interface HttpProxy {
  /** http or https, without user and password. */
  readonly url: string;
  /** `user:password`. */
  readonly credentials?: string | undefined;
}

type Connected = (error: Error | null, socket?: Duplex) => void;

/** Time for the proxy's answer. The caller's own limit for the whole call may end earlier. */
const answerTimeoutMilliseconds = 10_000;

/**
 * Connects to https servers through the tunnel that a proxy opens on `CONNECT` (RFC 9110, 9.3.6). Node's documentation
 * of `http.Agent` allows to hand the socket to the callback of `createConnection`.
 */
export class TunnelAgent extends Agent {
  constructor(
    private readonly proxy: HttpProxy,
    private readonly own: AgentOptions & { readonly secureContext?: SecureContext | undefined },
  ) {
    super(own);
  }

  /** Called by Node for each new connection. */
  override createConnection(options: ConnectionOptions, connected: Connected): undefined {
    this.tunnelTo(`${options.host}:${options.port}`).then(
      (socket) => connected(null, connect({ ...options, socket })),
      (error: Error) => connected(error),
    );
  }

  private tunnelTo(authority: string): Promise<Duplex> {
    const { url, credentials } = this.proxy;
    const isSecure = new URL(url).protocol === "https:";
    return new Promise((resolve, reject) => {
      const asked = (isSecure ? httpsRequest : httpRequest)(url, {
        method: "CONNECT",
        path: authority,
        headers: {
          host: authority,
          ...(credentials !== undefined && { "proxy-authorization": proxyAuthorization(credentials) }),
        },
        agent: false,
        timeout: answerTimeoutMilliseconds,
        ...(isSecure && { secureContext: this.own.secureContext }),
      });
      asked.on("connect", ({ statusCode }, socket) => {
        if (statusCode === 200) return resolve(socket.setTimeout(0));
        socket.destroy();
        reject(refusal(`the proxy answered ${statusCode}`));
      });
      asked.on("timeout", () => asked.destroy(refusal("the proxy did not answer")));
      asked.on("error", reject);
      asked.end();
    });
  }
}

/** The header with which a proxy is shown `user:password`. */
export function proxyAuthorization(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** Messages about failed connections name the code. */
function refusal(reason: string): Error {
  return Object.assign(new Error(reason), { code: reason });
}

/**
 * Whether a host is reached without the proxy. Entries are as in `NO_PROXY`: a host or domain, which also stands for all
 * names below it, with or without a dot before it; an address, IPv6 with or without brackets; a network such as
 * 10.0.0.0/8; or `*`. A dot after a name changes nothing.
 *
 * @param hostname as in {@link URL}: in lower case, IPv6 in brackets
 */
export function isExempt(hostname: string, noProxy: readonly string[]): boolean {
  const host = hostname.replaceAll(/^\[|\]$|\.$/g, "");
  return noProxy.some((given) => {
    const entry = given.replaceAll(/^\[|\](?=\/|$)|(?<=\w)\.$/g, "");
    if (entry === "*") return true;
    const [address = "", bits] = entry.split("/");
    const family = isIP(address);
    if (family === 0) {
      const domain = entry.toLowerCase().replace(/^\*?\./, "");
      return host === domain || host.endsWith(`.${domain}`);
    }
    if (isIP(host) !== family) return false;
    const type = family === 4 ? "ipv4" : "ipv6";
    const most = family === 4 ? 32 : 128;
    const length = Number(bits ?? most);
    if (!(length >= 0 && length <= most)) return false;
    const list = new BlockList();
    list.addSubnet(address, length, type);
    return list.check(host, type);
  });
}
