import { isLoopback } from "../../handlers/lib/core/address.ts";
import { jobsUseInstanceRole, knownAgentReleases, type SemaphoreConfig } from "../config/vendors/semaphore.ts";
import type { Statement } from "../constructs/statement.ts";
import type { InstanceFleet, SynthHalf } from "./vendor-synth.ts";

/** The synth half of Semaphore. */
export const semaphore: SynthHalf<"semaphore"> = ({ vendor: config, compute }, secret) => {
  const host = hostOf(config);
  // The same token registers agents and reads the demand.
  const agentTypeToken = secret("agentTypeToken", `Registration token of an agent type at ${host}`);
  return {
    runtime: { type: config.type, address: `${isPlain(host) ? "http" : "https"}://${host}` },
    departure: "by-itself",
    apiSecret: agentTypeToken,

    instance: (fleet) => ({
      bootFiles: ["semaphore/boot.sh"],
      settings: {
        AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: String(config.powerOffDelaySeconds),
        AGENT_FLEETS_SEMAPHORE_USER: config.user,
        AGENT_FLEETS_SEMAPHORE_TOKEN_ARN: agentTypeToken.arn,
        AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE: String(jobsUseInstanceRole(config, compute)),
        AGENT_FLEETS_SEMAPHORE_DOCKER: String(config.docker),
        AGENT_FLEETS_SEMAPHORE_CONFIG: JSON.stringify(agentConfig(config, fleet)),
        AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS: String(fleet.agents.idleTimeoutSeconds),
        ...releaseSettings(config, fleet.architecture),
        AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: String(
          config.sshKnownHosts.github ? config.sshKnownHosts.refreshMinutes : 0,
        ),
        AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS: config.sshKnownHosts.lines.join("\n"),
      },
      secrets: [agentTypeToken],
      statements: config.cacheBucket ? cacheRights(config.cacheBucket, config.cacheKmsKeyArn, fleet.partition) : [],
      logs: { agent: "/var/log/semaphore/agent.log" },
      defaultAmi: {
        ssmParameter: `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${fleet.architecture}`,
      },
    }),
  };
};

function hostOf({ organization, endpoint }: SemaphoreConfig): string {
  return endpoint ?? `${organization}.semaphoreci.com`;
}

/** Whether the host is on loopback, as in tests. All other hosts need TLS. */
function isPlain(host: string): boolean {
  return isLoopback(host.replace(/:[0-9]+$/, ""));
}

/**
 * The agent's configuration file, without the keys that only the instance knows: name, token and idle timeout.
 * https://docs.semaphoreci.com/reference/self-hosted-config. An agent does not start with unknown keys.
 */
function agentConfig(config: SemaphoreConfig, fleet: InstanceFleet): Readonly<Record<string, unknown>> {
  const host = hostOf(config);
  const cache = config.cacheBucket && {
    SEMAPHORE_CACHE_BACKEND: "s3",
    SEMAPHORE_CACHE_S3_BUCKET: config.cacheBucket,
    SEMAPHORE_CACHE_USE_EC2_INSTANCE_PROFILE: "true",
  };
  return {
    endpoint: host,
    "no-https": isPlain(host),
    "disconnect-after-job": fleet.agents.singleUse,
    "env-vars": Object.entries({ ...config.environment, ...cache }).map(([name, value]) => `${name}=${value}`),
    files: config.files.map(({ from, to }) => `${from}:${to}`),
    "fail-on-missing-files": config.failOnMissingFiles,
    "upload-job-logs": config.uploadJobLogs,
    "shutdown-hook-path": "/opt/agent-fleets/shutdown-hook",
    // A leaving agent stops its job after this time, which is not before its retirement gives up.
    "interruption-grace-period": fleet.drainTimeoutSeconds,
  };
}

/** Versions and checksums of the software that `agents/semaphore` installs, as settings of its scripts. */
export function releaseSettings(
  { agent, toolbox }: Pick<SemaphoreConfig, "agent" | "toolbox">,
  architecture: InstanceFleet["architecture"],
) {
  return {
    AGENT_FLEETS_SEMAPHORE_AGENT_VERSION: agent.version,
    AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: agent.sha256 ?? knownAgentReleases[agent.version]?.[architecture] ?? "",
    ...(toolbox && {
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION: toolbox.version,
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256: toolbox.sha256,
    }),
  };
}

/**
 * The rights of the cache CLI, on this bucket only. A bucket under a customer key needs both actions on the key: reads
 * and uploads in parts decrypt, uploads make data keys (S3 user guide, "Using server-side encryption with AWS KMS keys").
 */
function cacheRights(bucket: string, key: string | undefined, partition: string): readonly Statement[] {
  const arn = `arn:${partition}:s3:::${bucket}`;
  return [
    { actions: ["s3:ListBucket"], resources: [arn] },
    { actions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], resources: [`${arn}/*`] },
    ...(key === undefined ? [] : [{ actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources: [key] }]),
  ];
}
