import { readFileSync } from "node:fs";
import { webhookPaths } from "../../handlers/lib/settings/vendors/hcp-terraform.ts";
import { tfcAgentImage } from "../config/compute/image.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import type { HcpTerraformConfig } from "../config/vendors/hcp-terraform.ts";
import { terraformText } from "../constructs/terraform-text.ts";
import { manageHcpTerraform } from "./hcp-terraform-resources.ts";
import type { ContainerVendor } from "./vendor-synth.ts";

/** The synth half of HCP Terraform and Terraform Enterprise. */
export function hcpTerraform(config: HcpTerraformConfig, { agents }: EcsFleetConfig): ContainerVendor {
  const { type, organization, agentPool, address, demand, webhook } = config;
  return {
    runtime: { type, organization, agentPool, address, demand },
    departure: "by-itself",
    apiSecret: "apiToken",
    secrets: {
      agentToken: `Agent token of pool ${agentPool}`,
      ...(demand === "api" && { apiToken: `API token that reads the runs of organization ${organization}` }),
      ...(webhook.enabled && { notificationToken: "HMAC key of notifications and run tasks" }),
    },
    ledgerTtlSeconds: demand === "notifications" ? config.runTtlSeconds : undefined,
    webhook: webhook.enabled
      ? {
          ...webhook,
          secret: "notificationToken",
          paths: { webhook_url: webhookPaths.notifications, run_task_url: webhookPaths.runTask },
          asksVendor: config.manage?.runTask !== undefined,
        }
      : undefined,
    defaultImage: tfcAgentImage,

    container({ agentToken }) {
      if (!agentToken) throw new Error("an HCP Terraform fleet has an agent token");
      return {
        // The upstream image as it is: our entry point travels as its command.
        entryPoint: ["/bin/sh", "-c"],
        command: [agentFile("launcher.sh"), "agent-fleets", agentFile("entry-point.sh")],
        nameVariable: "TFC_AGENT_NAME",
        environment: {
          TFC_ADDRESS: address,
          TFC_AGENT_AUTO_UPDATE: "disabled",
          TFC_AGENT_LOG_JSON: "true",
          ...(agents.singleUse && { TFC_AGENT_SINGLE: "true" }),
          AGENT_FLEETS_IDLE_TIMEOUT_SECONDS: String(agents.idleTimeoutSeconds),
          AGENT_FLEETS_MAX_LIFETIME_SECONDS: String(agents.maxLifetimeSeconds),
          AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: String(agents.registrationGraceSeconds),
        },
        secrets: { TFC_AGENT_TOKEN: agentToken },
        writableFolders: ["/home/tfc-agent/.tfc-agent", "/tmp"],
      };
    },

    manage: (scope, props) => manageHcpTerraform(scope, config, props),
  };
}

function agentFile(name: string): string {
  return terraformText(readFileSync(new URL(`../../agents/hcp-terraform/${name}`, import.meta.url), "utf8"));
}
