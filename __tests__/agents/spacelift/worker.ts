import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { canPlay, commandPath, type Host, makeHost, type Outcome, type Settings } from "../ec2/host.ts";

/** Whether boots of Spacelift workers can be tried here. */
export const canBoot = canPlay && ["gpg", "gpgconf", "jq"].every((name) => commandPath(name));
if (canPlay && !canBoot) process.stderr.write("SKIPPED: tests of the Spacelift boot program need gpg and jq\n");

/** Where gpg may leave what it likes; {@link removeKeys} takes it away. */
export const keyFolder = mkdtempSync(join(tmpdir(), "gpg-"));
const gpg = (home: string, ...args: readonly string[]) =>
  execFileSync(commandPath("gpg") ?? "", ["--batch", "--quiet", ...args], {
    env: { PATH: process.env.PATH, GNUPGHOME: join(keyFolder, home) },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** A throwaway key that stands for the vendor's, or for somebody else's. */
interface SigningKey {
  readonly armored: string;
  readonly fingerprint: string;
  sign(content: string): Buffer;
}

function makeKey(home: string): SigningKey {
  mkdirSync(join(keyFolder, home), { mode: 0o700 });
  gpg(home, "--passphrase", "", "--quick-generate-key", `${home} <${home}@example.com>`, "ed25519", "sign");
  const fingerprint = gpg(home, "--with-colons", "--list-keys").match(/^fpr:+([0-9A-F]{40}):/m)?.[1] ?? "";
  return {
    armored: gpg(home, "--armor", "--export"),
    fingerprint,
    sign(content) {
      const path = join(keyFolder, home, "signed");
      writeFileSync(path, content);
      gpg(home, "--yes", "--detach-sign", path);
      return readFileSync(`${path}.sig`);
    },
  };
}

const homes = ["vendor", "stranger"] as const;
/** The keys; to be used only where {@link canBoot}. */
export const keys = canBoot ? { vendor: makeKey("vendor"), stranger: makeKey("stranger") } : undefined;

/** To be called after all tests of a file: ends gpg's agents, which hold the secret halves. */
export function removeKeys(): void {
  for (const home of canBoot ? homes : []) {
    execFileSync(commandPath("gpgconf") ?? "", ["--kill", "all"], {
      env: { PATH: process.env.PATH, GNUPGHOME: join(keyFolder, home) },
    });
  }
  rmSync(keyFolder, { recursive: true, force: true });
}

/**
 * Stands for the launcher: writes down its environment and what it was started with. It knows the test's folder by
 * itself, because its environment is clean.
 */
const launcherIn = (stage: string) => `#!/bin/bash
/usr/bin/env -0 >"${stage}/environment"
/usr/bin/tr '\\0' '\\n' <"/proc/$$/cmdline" >"${stage}/command-line"
umask >"${stage}/umask"
echo working
echo trouble >&2
`;

const arn = (name: string) => `arn:aws:secretsmanager:us-west-2:123456789012:secret:${name}-AbCdEf`;
/** Where the worker's two secrets are. */
export const arns = { token: arn("ci/worker-token"), key: arn("ci/worker-key"), byo: arn("own"), extra: arn("extra") };
/** Obviously fake values that must turn up nowhere but in the launcher's environment. */
export const token = Buffer.from(
  JSON.stringify({ canary: "token", broker: { endpoint: "mqtt.iot.example.com" } }),
).toString("base64");
export const privateKey =
  "-----BEGIN PRIVATE KEY-----\ncanary-private-key\n$(x) `y` \"z\" 'q' \\ 100%\n-----END PRIVATE KEY-----\n";

/** The settings that every worker has. */
export function settings(changes: Settings = {}): Settings {
  return {
    AGENT_FLEETS_REGION: "us-west-2",
    AGENT_FLEETS_GROUP: "ci",
    AGENT_FLEETS_LOG_GROUP: "/agent-fleets/ci",
    AGENT_FLEETS_SPACELIFT_ENVIRONMENT: `SPACELIFT_TOKEN=${arns.token}\nSPACELIFT_POOL_PRIVATE_KEY=${arns.key}`,
    AGENT_FLEETS_SPACELIFT_SIGNING_KEY: keys?.vendor.armored ?? "",
    AGENT_FLEETS_SPACELIFT_SIGNING_KEY_FINGERPRINT: keys?.vendor.fingerprint ?? "",
    ...changes,
  };
}

/** What a boot came to. */
export interface Boot extends Outcome {
  /** The launcher's environment; `undefined` if it was not started. */
  readonly environment: Readonly<Record<string, string>> | undefined;
}

/** An instance on which a worker can boot. */
export interface WorkerHost extends Host {
  /** Publishes a launcher under `name`, signed; `changes` spoil it. */
  publish(name: string, changes?: { readonly sums?: string; readonly signature?: Buffer | undefined }): void;
  start(changes?: Settings): Promise<Boot>;
}

/** Makes an instance for which everything is in place. */
export async function makeWorkerHost(context: TestContext): Promise<WorkerHost> {
  const host = await makeHost(context);
  host.secret(arns.token, token);
  host.secret(arns.key, privateKey);
  const launcher = launcherIn(host.stage);
  const publish: WorkerHost["publish"] = (name, changes = {}) => {
    const sums = changes.sums ?? `${createHash("sha256").update(launcher).digest("hex")}  ${name}\n`;
    host.download(name, launcher);
    host.download(`${name}_SHA256SUMS`, sums);
    host.download(`${name}_SHA256SUMS.sig`, changes.signature ?? keys?.vendor.sign(sums) ?? "");
  };
  publish("spacelift-launcher-x86_64");
  return {
    ...host,
    publish,
    start: async (changes) => ({
      ...(await host.boot("spacelift", settings(changes))),
      environment: environmentOf(join(host.stage, "environment")),
    }),
  };
}

function environmentOf(path: string): Readonly<Record<string, string>> | undefined {
  if (!existsSync(path)) return undefined;
  const entries = readFileSync(path, "utf8").split("\0").slice(0, -1);
  return Object.fromEntries(entries.map((entry) => [entry.split("=", 1)[0], entry.slice(entry.indexOf("=") + 1)]));
}
