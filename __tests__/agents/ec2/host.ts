import { spawn } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { withoutComments } from "../../../stacks/constructs/instances/user-data.ts";
import { type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";

const agents = new URL("../../../agents/", import.meta.url);
const standIns = fileURLToPath(new URL("stand-ins.sh", import.meta.url));
const played =
  "uname sleep timeout curl aws systemctl getent id runuser useradd usermod chown dnf poweroff update-ca-trust " +
  "systemd-run docker ss";

/** Settings by name, as stacks write them before the program. */
export type Settings = Readonly<Record<string, string>>;

/** What is left after a program has run. */
export interface Outcome {
  readonly status: number;
  /** What the user data wrote, then what the unit wrote. */
  readonly log: string;
  /** The text of a log, a unit or another file of the instance; "" where there is none. */
  file(path: string): string;
  /** Every call of a played command with its arguments. */
  readonly calls: readonly string[];
  readonly poweredOff: boolean;
  /** What was sent to the release queue. */
  readonly messages: readonly string[];
}

/** An instance that a boot program is tried on: a root folder, played commands and a metadata service on loopback. */
export interface Host {
  readonly root: string;
  readonly stage: string;
  readonly imds: HttpFake;
  /** What the metadata service has below `latest/meta-data/`; a missing path is a 404. */
  readonly metadata: Map<string, string>;
  /** Gives the secret or parameter a text. */
  secret(arn: string, text: string): void;
  /** What an address or S3 URI that ends in `name` serves. */
  download(name: string, content: string | Buffer): void;
  /** The next calls of a played command end with these statuses; "hang" never ends by itself, 0 plays on. */
  fault(command: string, ...statuses: readonly (number | "hang")[]): void;
  /** Runs the user data of `vendor` to its end, units and all. */
  boot(vendor: string, settings: Settings): Promise<Outcome>;
  /** Runs lines of bash after the library. */
  library(lines: string, settings?: Settings): Promise<Outcome & { readonly output: string }>;
  /** The paths of all files below the root folder. */
  files(): readonly string[];
}

/** A file of `agents/`. */
export function agentFile(path: string): string {
  return readFileSync(new URL(path, agents), "utf8");
}

/** User data as stacks put it together: settings, library, the vendor's part. */
export function userData(vendor: string, settings: Settings): string {
  return program(settings, agentFile(`${vendor}/boot.sh`));
}

function program(settings: Settings, part: string): string {
  const quoted = Object.entries(settings).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`);
  const scripts = [agentFile("ec2/library.sh"), agentFile("ec2/life.sh"), agentFile("ec2/outbound.sh"), part].map(
    withoutComments,
  );
  return ["#!/bin/bash", ...quoted, ...scripts].join("\n");
}

/** The path of a command of this machine, or `undefined`. */
export function commandPath(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Whether this machine can play an instance: bash and the GNU tools, as every Linux has them. */
export const canPlay = process.platform === "linux" && ["bash", "curl", "timeout"].every((name) => commandPath(name));
if (!canPlay) process.stderr.write("SKIPPED: tests of boot programs need Linux with bash and curl\n");

/** Makes an instance that ends with its test. */
export async function makeHost(context: TestContext): Promise<Host> {
  const stage = mkdtempSync(join(tmpdir(), "boot-"));
  const root = join(stage, "root");
  const bin = join(stage, "bin");
  for (const folder of ["root/dev", "bin", "real", "home", "secrets", "downloads", "faults"]) {
    mkdirSync(join(stage, folder), { recursive: true });
  }
  writeFileSync(join(stage, "calls"), "");
  writeFileSync(join(stage, "machine"), "x86_64\n");
  for (const name of played.split(" ")) {
    symlinkSync(standIns, join(bin, name));
    const real = commandPath(name);
    if (real) symlinkSync(real, join(stage, "real", name));
  }
  const metadata = new Map([
    ["instance-id", "i-0123456789abcdef0"],
    ["ami-id", "ami-0123456789abcdef0"],
    ["autoscaling/target-lifecycle-state", "InService"],
  ]);
  const imds = await startMetadataService(metadata);
  context.onTestFinished(async () => {
    await imds.close();
    rmSync(stage, { recursive: true, force: true });
  });

  const text = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const run = async (content: string): Promise<Outcome & { readonly output: string }> => {
    const path = join(stage, "user-data");
    writeFileSync(path, content);
    const env = {
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      STAGE: stage,
      AGENT_FLEETS_ROOT: root,
      AGENT_FLEETS_IMDS: imds.url,
      TMPDIR: stage,
    };
    const { status, output, errors } = await execute(path, env, stage);
    return {
      status,
      output,
      log: errors + text(join(root, "var/log/agent-fleets/boot.log")),
      file: (name) => text(join(root, name)),
      calls: text(join(stage, "calls")).split("\n").slice(0, -1),
      messages: text(join(stage, "messages")).split("\n").slice(0, -1),
      poweredOff: existsSync(join(stage, "powered-off")),
    };
  };

  return {
    root,
    stage,
    imds,
    metadata,
    secret: (arn, value) => writeFileSync(join(stage, "secrets", arn.replaceAll("/", "_")), value),
    download: (name, content) => writeFileSync(join(stage, "downloads", name), content),
    fault: (command, ...statuses) => writeFileSync(join(stage, "faults", command), `${statuses.join("\n")}\n`),
    boot: (vendor, settings) => run(userData(vendor, settings)),
    library: (lines, settings = {}) => run(program(settings, lines)),
    files: () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
  };
}

/** The permissions of a file, such as "600". */
export function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

function startMetadataService(metadata: ReadonlyMap<string, string>): Promise<HttpFake> {
  return startHttpFake(({ method, path, headers }) => {
    if (method === "PUT" && path === "/latest/api/token" && headers["x-aws-ec2-metadata-token-ttl-seconds"]) {
      return { status: 200, text: "metadata-token" };
    }
    if (method !== "GET" || headers["x-aws-ec2-metadata-token"] !== "metadata-token") return { status: 401 };
    const text = metadata.get(path.replace("/latest/meta-data/", ""));
    return text === undefined ? { status: 404, text: "<html>404</html>" } : { status: 200, text };
  });
}

async function execute(path: string, env: Readonly<Record<string, string>>, cwd: string) {
  chmodSync(path, 0o700);
  const child = spawn("/bin/bash", [path], { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
  });
  const status = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? -1));
  });
  return { status, output, errors };
}
