import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { canPlay, commandPath, type Host, makeHost, type Outcome, type Settings } from "../ec2/host.ts";

/** Whether boots of Semaphore agents can be tried here. */
export const canBoot = canPlay && ["tar", "mkfifo", "pgrep"].every((name) => commandPath(name));
if (canPlay && !canBoot) process.stderr.write("SKIPPED: tests of the Semaphore boot program need tar, mkfifo, pgrep\n");

export const tokenArn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:ci/agent-type-token-AbCdEf";
/** An obviously fake value that must turn up nowhere but in the agent's config. */
export const token = "test-token-canary";
export const queueUrl = "https://sqs.us-west-2.example.com/123456789012/ci-release";

/** Stands for the agent: reads its config as often as it can, and writes down what it was started with. */
export const agentProgram = `#!/bin/bash
stage=\${0%/root/*}
stat -c '%F %a' "$3" >"$stage/config-file"
cat "$3" >"$stage/config"
for ((i = 0; i < 600; i++)); do [[ -e $3 ]] || break; "$stage/real/sleep" 0.1; done
if [[ -e $3 ]]; then echo "and there still" >>"$stage/config-file"; fi
env -0 >"$stage/environment"
tr '\\0' '\\n' <"/proc/$$/cmdline" >"$stage/command-line"
pwd >"$stage/working-folder"
echo to-nowhere
echo panic >&2
`;

/** Commands of this boot that the stage of all boots does not play. \`$STAGE\` is not in the agent's environment. */
const own: Readonly<Record<string, string>> = {
  setpriv: `stage=\${0%/bin/*}
printf 'setpriv %s\\n' "$*" >>"$stage/calls"
if [[ $4 == curl && -e $stage/closed ]]; then exit "$(<"$stage/closed")"; fi
exec "\${@:4}"`,
  // Closes the metadata service to the agent's user. \`closed\` holds what curl then ends with.
  iptables: `printf 'iptables %s\\n' "$*" >>"$STAGE/calls"
if [[ -e $STAGE/faults/iptables ]]; then exit "$(<"$STAGE/faults/iptables")"; fi
if [[ ! -e $STAGE/faults/rule ]]; then echo 7 >"$STAGE/closed"; fi`,
  gpasswd: `printf 'gpasswd %s\\n' "$*" >>"$STAGE/calls"`,
  id: `if [[ "$1" == -nG ]]; then cat "$STAGE/groups"; exit 0; fi
exec "$STAGE/played/id" "$@"`,
  "systemd-run": `printf 'systemd-run %s\\n' "$*" >>"$STAGE/calls"
if [[ -e $STAGE/faults/systemd-run ]]; then exit 1; fi`,
  sysctl: `printf 'sysctl %s\\n' "$*" >>"$STAGE/calls"
if [[ -e $STAGE/faults/sysctl ]]; then exit 255; fi`,
  systemctl: `if [[ "$1" == show ]]; then
  printf 'systemctl %s\\n' "$*" >>"$STAGE/calls"
  read -r state <"$STAGE/unit-states"
  if (($(wc -l <"$STAGE/unit-states") > 1)); then sed -i 1d "$STAGE/unit-states"; fi
  printf '%s\\n' "$state"
  exit 0
fi
exec "$STAGE/played/systemctl" "$@"`,
};

/** The settings that every agent has, as stacks/vendors/semaphore.ts makes them. */
export function settings(changes: Settings = {}): Settings {
  return {
    AGENT_FLEETS_REGION: "us-west-2",
    AGENT_FLEETS_GROUP: "ci",
    AGENT_FLEETS_LOG_GROUP: "/agent-fleets/ci",
    AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "180",
    AGENT_FLEETS_SEMAPHORE_USER: "semaphore",
    AGENT_FLEETS_SEMAPHORE_TOKEN_ARN: tokenArn,
    AGENT_FLEETS_RELEASE_QUEUE_URL: queueUrl,
    AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "600",
    AGENT_FLEETS_SEMAPHORE_CONFIG: JSON.stringify({ endpoint: "acme.semaphoreci.com", "env-vars": [] }),
    AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS: "300",
    AGENT_FLEETS_SEMAPHORE_AGENT_VERSION: "v2.2.8",
    AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: "0".repeat(64),
    AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: "360",
    AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS: "",
    ...changes,
  };
}

/** What a boot came to. */
interface Boot extends Outcome {
  /** What the agent was configured with; `undefined` if it was not started. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** A file that the agent or a played command left on the stage; "" where there is none. */
  left(name: string): string;
}

/** An instance on which an agent of Semaphore can boot. */
export interface AgentHost extends Host {
  /** Puts the agent there, as an AMI does. @param binary a program in place of the played agent */
  bake(binary?: string): void;
  /** What systemd says of the agent's unit, one answer after the other; the last one stays. */
  unitIs(...states: readonly string[]): void;
  start(changes?: Settings): Promise<Boot>;
  /** Runs one function of the program, as SSM, systemd or the agent do. */
  call(name: string, environment?: Settings): Promise<Outcome & { readonly output: string }>;
  left(name: string): string;
}

/** Makes an instance for which everything is in place. */
export async function makeAgentHost(context: TestContext): Promise<AgentHost> {
  const host = await makeHost(context);
  const { stage, root } = host;
  mkdirSync(join(stage, "played"));
  for (const [name, lines] of Object.entries(own)) {
    const path = join(stage, "bin", name);
    if (existsSync(path)) renameSync(path, join(stage, "played", name));
    writeFileSync(path, `#!/bin/bash\nset -euo pipefail\n${lines}\n`, { mode: 0o755 });
  }
  mkdirSync(join(root, "proc/sys/kernel/random"), { recursive: true });
  writeFileSync(join(root, "proc/sys/kernel/random/boot_id"), "0a1b2c3d-1111-2222-3333-444455556666\n");
  host.secret(tokenArn, token);
  host.metadata.set("tags/instance/AgentFleetsRole", "burst");
  const left = (name: string) => (existsSync(join(stage, name)) ? readFileSync(join(stage, name), "utf8") : "");
  const unitIs = (...states: readonly string[]) => writeFileSync(join(stage, "unit-states"), `${states.join("\n")}\n`);
  const bake = (binary?: string) => {
    const path = join(root, "opt/semaphore/agent/agent");
    mkdirSync(join(root, "opt/semaphore/agent"), { recursive: true });
    if (binary === undefined) writeFileSync(path, agentProgram, { mode: 0o755 });
    else copyFileSync(binary, path);
    chmodSync(path, 0o755);
  };
  bake();
  unitIs("active");
  return {
    ...host,
    bake,
    unitIs,
    left,
    async start(changes) {
      const outcome = await host.boot("semaphore", settings(changes));
      const config = left("config");
      const entries = left("environment").split("\0").slice(0, -1);
      return {
        ...outcome,
        config: config === "" ? undefined : JSON.parse(config),
        environment: Object.fromEntries(
          entries.map((entry) => [entry.split("=", 1)[0], entry.slice(entry.indexOf("=") + 1)]),
        ),
        left,
      };
    },
    // The program ends with a call of what its arguments name; a call from here names it before that.
    call: (name, environment = {}) =>
      host.library(`set -- ${name}\n${readFileSync(program, "utf8")}`, { ...settings(), ...environment }),
  };
}

const program = new URL("../../../agents/semaphore/boot.sh", import.meta.url);
