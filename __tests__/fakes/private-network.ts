import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A vendor whose certificate nobody knows, on loopback, and the proxy that leads to it. */
export interface PrivateNetwork {
  /** The certificate authority's certificate. */
  readonly ca: string;
  /** `openssl` wants a file for the chain. */
  readonly folder: string;
  /** Puts TLS before a fake: an https address with a certificate of this network's authority. */
  secure(url: string): Promise<string>;
  /** A proxy that takes `CONNECT` only. @param credentials `user:password` that it asks for */
  proxy(options?: { readonly credentials?: string; readonly tls?: boolean }): Promise<FakeProxy>;
  close(): Promise<void>;
}

/** See {@link PrivateNetwork}. */
export interface FakeProxy {
  readonly url: string;
  /** The hosts and ports that it was asked for; refused ones, too. */
  readonly asked: readonly string[];
}

/** Whether certificates can be made here. */
export const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
if (!hasOpenssl) process.stderr.write("SKIPPED: tests of private vendors need openssl\n");

/** Makes `count` certificates of authorities, with keys of 2,048 bits, in PEM form. */
export function makeAuthorities(count: number): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "authorities-"));
  try {
    return Array.from({ length: count }, (_, index) => {
      makeAuthority(folder, `Authority ${index}`, "rsa:2048");
      return readFileSync(join(folder, "ca.pem"), "utf8");
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openssl(folder: string, ...args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

function makeAuthority(folder: string, name: string, ...key: readonly string[]): void {
  const made = ["-newkey", ...key, "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"];
  openssl(folder, "req", "-x509", ...made, "-subj", `/O=Acme/CN=${name}`);
}

/** Makes an authority, and what it signs. The keys lie in a temporary folder until `close`. */
export async function startPrivateNetwork(): Promise<PrivateNetwork> {
  const folder = mkdtempSync(join(tmpdir(), "private-"));
  const curve = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  makeAuthority(folder, "Private CA", ...curve);
  openssl(folder, "req", "-newkey", ...curve, "-nodes", "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=vendor");
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
  openssl(folder, "x509", "-req", "-in", "own.csr", "-out", "own.pem", ...signer);
  const file = (name: string) => readFileSync(join(folder, name), "utf8");
  const certificate = { key: file("own.key"), cert: file("own.pem") };
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  return {
    ca: file("ca.pem"),
    folder,
    async secure(url) {
      const server = createTlsServer(certificate, (incoming, response) => passOn(url, incoming, response));
      return `https://127.0.0.1:${await listen(server)}`;
    },
    async proxy({ credentials, tls = false } = {}) {
      const asked: string[] = [];
      const refuse = (_: unknown, response: ServerResponse) => response.writeHead(405).end();
      const server = tls ? createTlsServer(certificate, refuse) : createServer(refuse);
      server.on("connect", ({ url = "", headers }: IncomingMessage, client: Socket) => {
        asked.push(url);
        client.on("error", () => client.destroy());
        const proof = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
        if (proof && headers["proxy-authorization"] !== proof) {
          client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
          return;
        }
        const [host, port] = url.split(":");
        const target = connect(Number(port), host, () => {
          client.write("HTTP/1.1 200 Connection established\r\n\r\n");
          target.pipe(client).pipe(target);
        });
        target.on("error", () => client.destroy());
        sockets.add(target);
      });
      return { url: `${tls ? "https" : "http"}://127.0.0.1:${await listen(server)}`, asked };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function passOn(url: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = incoming;
  const sent = httpRequest(new URL(incoming.url ?? "/", url), { method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response).on("error", () => answer.destroy());
    answer.on("error", () => response.destroy());
  });
  sent.on("error", () => response.destroy());
  incoming.pipe(sent);
}
