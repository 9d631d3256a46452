import { readFileSync } from "node:fs";
import { type AzureDevOpsRuntime, webhookPath } from "../../handlers/lib/settings/vendors/azure-devops.ts";
import type { PoolConfig } from "../config/pools.ts";
import { urlOf } from "../config/vendors/azure-devops.ts";
import { throttleOf } from "../config/webhook.ts";
import { joined, type TerraformText, terraformText } from "../constructs/terraform-text.ts";
import { fleetCapabilities, ignoredVariables } from "./azure-devops-capabilities.ts";
import type { SynthHalf } from "./vendor-synth.ts";

/** The entry point of the image, see agents/azure-devops/Dockerfile. */
const init = ["/usr/bin/tini", "-s", "--"];
const program = "/usr/local/lib/agent-fleets/start.sh";

/** The synth half of Azure DevOps Services and Server. */
export const azureDevOps: SynthHalf<"azure-devops"> = (fleet, secret) => {
  const { vendor: config } = fleet;
  const { servicePrincipal: principal, webhook } = config;
  const url = urlOf(config);
  const apiSecret = principal
    ? secret("clientSecret", `Client secret of application ${principal.clientId}`)
    : secret("pat", `Personal access token that manages agent pools of ${url}`);
  const hookSecret = webhook.enabled ? secret("hookSecret", "Shared secret that service hooks send") : undefined;

  function poolOf(pool: PoolConfig | undefined): AzureDevOpsRuntime["pool"] {
    const name = pool?.name ?? config.poolName;
    if (name === undefined) throw new Error("an Azure DevOps fleet names its agent pool");
    const id = pool ? pool.id : config.poolId;
    return { name, ...(id !== undefined && { id }) };
  }

  const capabilities = fleetCapabilities(fleet);
  const runtime: AzureDevOpsRuntime = {
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
    pool: poolOf(fleet.pools?.[0]),
    capabilities: capabilities.common,
    placeholder: "agent-fleets-keeps-the-queue-open",
  };

  return {
    runtime,
    departure: "by-retirement",
    apiSecret,
    webhook: hookSecret
      ? { ...throttleOf(webhook, false), secret: hookSecret, paths: { webhook_url: webhookPath } }
      : undefined,
    tellsUnmatchedJobs: true,
    defaultImage: { build: "azure-devops" },

    poolRuntime(pool) {
      const own = capabilities.own(pool);
      return {
        ...(pool !== fleet.pools?.[0] && { pool: poolOf(pool) }),
        ...(Object.keys(own).length > 0 && { poolCapabilities: own }),
      };
    },

    container: (pool, wayOut) => ({
      // The way out is prepared in the process that becomes the image's own program.
      entryPoint: wayOut && [...init, "/bin/sh", "-c"],
      command: wayOut && [joined([agentFile("proxy.sh"), wayOut, terraformText(`exec ${program}\n`)])],
      ownInit: true,
      nameVariable: "AZP_AGENT_NAME",
      environment: {
        // The agent publishes its variables. There is no other way to add capabilities.
        ...config.capabilities,
        ...pool?.capabilities,
        AZP_URL: url,
        AZP_POOL: poolOf(pool).name,
        AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: String(fleet.agents.registrationGraceSeconds),
        ...(principal && { AZP_CLIENTID: principal.clientId, AZP_TENANTID: principal.tenantId }),
        ...ignoredVariables(fleet, pool),
      },
      secrets: { [principal ? "AZP_CLIENTSECRET" : "AZP_TOKEN"]: apiSecret },
      writableFolders: ["/azp", "/tmp", "/home/agent"],
    }),
  };
};

function agentFile(name: string): TerraformText {
  return terraformText(readFileSync(new URL(`../../agents/azure-devops/${name}`, import.meta.url), "utf8"));
}
