import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasMoto } from "../fakes/moto.ts";
import { awsProviderVersion } from "./fit-to-emulator.ts";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  /** Its output and errors, in the order in which they came, without colours. */
  readonly output: string;
}

/** Whether Terraform gets its providers from its own registry. */
export const useRegistry = process.env.AGENT_FLEETS_TF_REGISTRY === "1";

const mirror = useRegistry ? undefined : findMirror();

/** The programs that deploy stacks. */
export type Deployer = "terraform" | "tofu";

/** OpenTofu knows ephemeral variables and write-only arguments since 1.11. Source: its changelog, 1.11.0. */
const oldestTofu = 11;

/**
 * The missing tools of the suite, in words. `undefined`: none is missing.
 *
 * @param needed `deployer`: terraform if left out
 */
export function missingTools(needed: {
  readonly moto: boolean;
  readonly deployer?: Deployer;
  readonly cdktf?: boolean;
}): string | undefined {
  const missing = [
    ...missingDeployer(needed.deployer ?? "terraform"),
    ...(needed.cdktf && !cdktfRuns() ? ["a version of Node.js on which cdktf runs"] : []),
    ...(useRegistry || mirror ? [] : [`a mirror of AWS provider ${awsProviderVersion} (AGENT_FLEETS_TF_MIRROR)`]),
    ...(needed.moto && !hasMoto() ? ["moto_server"] : []),
  ];
  return missing.length > 0 ? missing.join(", ") : undefined;
}

/** The program `cdktf`. */
export const cdktfProgram = join(root, "node_modules/.bin/cdktf");

/** Whether `cdktf` runs on this version of Node.js: its terminal package has a compiled part for some versions only. */
export function cdktfRuns(): boolean {
  const load = 'require("@cdktf/node-pty-prebuilt-multiarch")';
  return spawnSync(process.execPath, ["--eval", load], { cwd: root }).status === 0;
}

function missingDeployer(program: Deployer): readonly string[] {
  const version = answers(program, ["version"]);
  if (program === "terraform") return version ? [] : [program];
  const minor = /^OpenTofu v1\.(\d+)\./m.exec(version ?? "")?.[1];
  return minor !== undefined && Number(minor) >= oldestTofu ? [] : [`tofu 1.${oldestTofu} or later`];
}

/**
 * The environment for terraform and cdktf: their own home and settings in `folder`, and none of this machine's
 * AWS or Terraform settings.
 *
 * @param deployer OpenTofu looks for providers below its own registry's name, where the mirror need not have them
 */
export function terraformEnvironment(
  folder: string,
  more: Readonly<Record<string, string>> = {},
  deployer: Deployer = "terraform",
): Readonly<Record<string, string | undefined>> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|TF_|CDKTF_|VITEST)/.test(name));
  const home = join(folder, "home");
  const settings = join(folder, "terraform.rc");
  mkdirSync(home, { recursive: true });
  const path = mirror && deployer === "tofu" ? mirrorForTofu(mirror, join(folder, "mirror")) : mirror;
  const installation = path && `provider_installation {\n  filesystem_mirror {\n    path = "${path}"\n  }\n}\n`;
  writeFileSync(settings, `disable_checkpoint = true\n${installation ?? ""}`);
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    TF_CLI_CONFIG_FILE: settings,
    TF_IN_AUTOMATION: "1",
    // Saves Terraform and its providers a fifth of their work, which would go into garbage collection.
    GOGC: "400",
    GOMEMLIMIT: "400MiB",
    CHECKPOINT_DISABLE: "1",
    ...(mirror && { CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1" }),
    AWS_EC2_METADATA_DISABLED: "true",
    ...more,
  };
}

const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach(kill));

/** Runs a command to its end. If it takes too long, it is killed with all processes that it has started. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly timeoutSeconds?: number;
  },
): Promise<Outcome> {
  const { cwd = root, env, timeoutSeconds = 1800 } = options;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const timer = setTimeout(() => {
    output += `\nkilled after ${timeoutSeconds} s\n`;
    kill(child);
  }, timeoutSeconds * 1000);
  try {
    const [code] = await once(child, "close");
    return { code, output: plain(output) };
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

/** Runs a command that must succeed. Otherwise throws an error with the part of its output that says why. */
export async function mustRun(...call: Parameters<typeof run>): Promise<Outcome> {
  const outcome = await run(...call);
  if (outcome.code === 0) return outcome;
  const lines = outcome.output.split("\n");
  const errors = lines.flatMap((line, index) => (/Error: /.test(line) ? lines.slice(index, index + 8) : []));
  const telling = (errors.length > 0 ? errors : lines.slice(-40)).slice(0, 80).join("\n");
  throw new Error(`${call[0]} ${call[1].join(" ")} ended with ${outcome.code}:\n${telling}`);
}

function kill({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The process has ended already.
  }
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences begin with one
  return text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
}

function findMirror(): string | undefined {
  const folder = process.env.AGENT_FLEETS_TF_MIRROR ?? answers("bash", [join(root, "../shared/bin/tf-mirror")]);
  if (folder === undefined) return undefined;
  const registries = existsSync(folder) ? readdirSync(folder) : [];
  return registries.some((each) => existsSync(join(folder, each, "hashicorp/aws", awsProviderVersion)))
    ? folder
    : undefined;
}

/** Links the AWS provider of a mirror to where OpenTofu looks. Both programs follow a link in the last place only. */
function mirrorForTofu(from: string, to: string): string {
  const version = join("hashicorp/aws", awsProviderVersion);
  const given = readdirSync(from).find((registry) => existsSync(join(from, registry, version))) ?? "";
  const wanted = join(to, "registry.opentofu.org", version);
  mkdirSync(wanted, { recursive: true });
  for (const platform of readdirSync(join(from, given, version))) {
    symlinkSync(join(from, given, version, platform), join(wanted, platform));
  }
  return to;
}

function answers(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** The block `provider` of a stack whose AWS provider asks this server alone, with credentials that are none. */
export function providerAt(endpoints: Readonly<Record<string, string>>) {
  return {
    aws: [
      {
        region: "us-west-2",
        access_key: "test",
        secret_key: "test",
        skip_credentials_validation: true,
        skip_requesting_account_id: true,
        endpoints: [endpoints],
      },
    ],
  };
}
