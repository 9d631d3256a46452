import type { AzureDevOpsRuntime } from "../../handlers/vendors/azure-devops/config.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import type { PoolConfig } from "../config/pools.ts";
import { type AzureDevOpsConfig, urlOf } from "../config/vendors/azure-devops.ts";
import type { ContainerVendor } from "./vendor-synth.ts";

/** What the agent finds on every machine that runs our image; its version is any that jobs demand: it updates itself. */
const standardCapabilities = {
  "Agent.OS": "Linux",
  "Agent.Version": "4.999.0",
  bash: "/bin/bash",
  curl: "/usr/bin/curl",
  git: "/usr/bin/git",
  jq: "/usr/bin/jq",
  sh: "/bin/sh",
};

const architectures = { x86_64: "X64", arm64: "ARM64" } as const;

/** The synth half of Azure DevOps Services and Server. */
export function azureDevOps(config: AzureDevOpsConfig, fleet: EcsFleetConfig): ContainerVendor {
  const { servicePrincipal: principal, webhook } = config;
  const url = urlOf(config);
  const apiSecret = principal ? "clientSecret" : "pat";

  function poolOf(pool: PoolConfig | undefined): { readonly name: string; readonly id: number | undefined } {
    const name = pool?.name ?? config.poolName;
    if (name === undefined) throw new Error("an Azure DevOps fleet names its agent pool");
    return { name, id: pool ? pool.id : config.poolId };
  }

  function runtimeOf(pool: PoolConfig | undefined): AzureDevOpsRuntime {
    const { name, id } = poolOf(pool);
    const architecture = pool?.compute.architecture ?? fleet.compute.architecture;
    return {
      type: "azure-devops",
      url,
      auth: principal
        ? {
            type: "service-principal",
            tenantId: principal.tenantId,
            clientId: principal.clientId,
            authority: `https://${principal.authorityHost}`,
          }
        : { type: "pat" },
      pool: id === undefined ? { name } : { id },
      capabilities: {
        ...standardCapabilities,
        "Agent.OSArchitecture": architectures[architecture],
        ...config.capabilities,
        ...pool?.capabilities,
      },
      placeholder: "agent-fleets-keeps-the-queue-open",
    };
  }

  const runtime = runtimeOf(fleet.pools?.[0]);
  return {
    runtime,
    departure: "by-retirement",
    apiSecret,
    webhookSecret: "hookSecret",
    secrets: {
      [apiSecret]: principal
        ? `Client secret of application ${principal.clientId}`
        : `Personal access token that manages agent pools of ${url}`,
      ...(webhook.enabled && { hookSecret: "What service hooks show to be let in" }),
    },
    webhook: webhook.enabled ? webhook : undefined,
    tellsUnmatchedJobs: true,
    webhookPaths: { webhook_url: "/service-hook" },
    defaultImage: { build: "azure-devops" },

    poolRuntime(pool) {
      const { pool: identity, capabilities } = runtimeOf(pool);
      const same = JSON.stringify(capabilities) === JSON.stringify(runtime.capabilities);
      return { pool: identity, ...(!same && { capabilities }) };
    },

    container(secrets, pool) {
      const secret = secrets[apiSecret];
      if (!secret) throw new Error(`an Azure DevOps fleet has the secret ${apiSecret}`);
      return {
        entryPoint: undefined,
        command: undefined,
        ownInit: true,
        nameVariable: "AZP_AGENT_NAME",
        environment: {
          AZP_URL: url,
          AZP_POOL: poolOf(pool).name,
          ...(principal && { AZP_CLIENTID: principal.clientId, AZP_TENANTID: principal.tenantId }),
        },
        secrets: { [principal ? "AZP_CLIENTSECRET" : "AZP_TOKEN"]: secret },
        writableFolders: ["/azp", "/tmp", "/home/agent"],
      };
    },

    manage: () => ({}),
  };
}
