import { readFileSync } from "node:fs";
import type { HostsConfig } from "../../config/cluster/hosts.ts";
import { logGroupName } from "../log-group.ts";
import { type Escaped, plainText } from "../terraform-text.ts";

/** The logs of a host: name of the log → file on the host. */
export const hostLogs = {
  dmesg: "/var/log/dmesg",
  docker: "/var/log/docker",
  "ecs-agent": "/var/log/ecs/ecs-agent.log",
  "ecs-init": "/var/log/ecs/ecs-init.log",
  audit: "/var/log/ecs/audit.log",
  messages: "/var/log/messages",
  "cloud-init": "/var/log/cloud-init.log",
  "cloud-init-output": "/var/log/cloud-init-output.log",
} as const;

/** Log group of one of {@link hostLogs}. */
export function hostLogGroup(cluster: string, log: keyof typeof hostLogs): string {
  return logGroupName(cluster, "hosts", log);
}

/**
 * User data of a host in the form that a launch template takes: a MIME document in base64. Its parts are in base64 too,
 * so that no text of a config can end a part. agents/ecs-host/README.md describes the order.
 */
export function hostUserData(cluster: string, hosts: Escaped<HostsConfig>): string {
  const parts = [
    { type: "text/cloud-config", content: cloudConfig(cluster, hosts) },
    { type: "text/x-shellscript", content: hostFile("boot.sh") },
    ...(hosts.userData === undefined ? [] : [customPart(plainText(hosts.userData))]),
  ];
  const boundary = "==agent-fleets==";
  const lines = [
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    ...parts.flatMap(({ type, content, merge }: Part) => [
      "",
      `--${boundary}`,
      `Content-Type: ${type}; charset="utf-8"`,
      ...(merge ? [`Merge-Type: ${merge}`] : []),
      "Content-Transfer-Encoding: base64",
      "",
      base64(content),
    ]),
    "",
    `--${boundary}--`,
    "",
  ];
  return base64(lines.join("\n"));
}

interface Part {
  readonly type: string;
  readonly content: string;
  /** How cloud-init merges a cloud-config with the earlier ones. */
  readonly merge?: string;
}

function customPart(content: string): Part {
  return content.startsWith("#!")
    ? { type: "text/x-shellscript", content }
    : { type: "text/cloud-config", content, merge: "list(append)+dict(no_replace,recurse_list)+str()" };
}

/** Written as JSON, which is YAML too and has simpler quoting rules. */
function cloudConfig(cluster: string, hosts: Escaped<HostsConfig>): string {
  const file = (path: string, content: string) => ({
    path,
    content: base64(content),
    encoding: "b64",
    permissions: "0644",
  });
  return `#cloud-config\n${JSON.stringify({
    write_files: [
      file("/etc/ecs/ecs.config", ecsConfigFile(cluster, hosts)),
      file("/etc/agent-fleets/cloudwatch-agent.json", JSON.stringify(cloudWatchAgent(cluster))),
      file("/etc/rsyslog.d/10-agent-fleets.conf", hostFile("rsyslog.conf")),
      file("/etc/logrotate.d/agent-fleets", hostFile("logrotate.conf")),
    ],
  })}\n`;
}

function ecsConfigFile(cluster: string, hosts: Escaped<HostsConfig>): string {
  const settings = {
    ECS_CLUSTER: cluster,
    // The hop limit keeps bridge tasks from the host's credentials. Tasks with their own network card need this
    // setting.
    ECS_AWSVPC_BLOCK_IMDS: "true",
    // By default the agent keeps ended containers for three hours and deletes five images in half an hour. Agents that
    // take one job each would fill the disk.
    ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "10m",
    ECS_IMAGE_CLEANUP_INTERVAL: "10m",
    ECS_NUM_IMAGES_DELETE_PER_CYCLE: "20",
    ...(hosts.spotPercent > 0 && { ECS_ENABLE_SPOT_INSTANCE_DRAINING: "true" }),
    ...Object.fromEntries(Object.entries(hosts.ecsConfig).map(([name, value]) => [name, plainText(value)])),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

function cloudWatchAgent(cluster: string) {
  const logs = Object.keys(hostLogs) as (keyof typeof hostLogs)[];
  return {
    logs: {
      logs_collected: {
        files: {
          collect_list: logs.map((log) => ({
            file_path: hostLogs[log],
            log_group_name: hostLogGroup(cluster, log),
            log_stream_name: `${cluster}/{ip_address}`,
          })),
        },
      },
    },
  };
}

function hostFile(name: string): string {
  return readFileSync(new URL(`../../../agents/ecs-host/${name}`, import.meta.url), "utf8");
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
