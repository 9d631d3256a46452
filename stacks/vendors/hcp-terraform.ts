import { readFileSync } from "node:fs";
import { webhookPaths } from "../../handlers/lib/settings/vendors/hcp-terraform.ts";
import { tfcAgentImage } from "../config/compute/image.ts";
import { throttleOf } from "../config/webhook.ts";
import { joined, type TerraformText, terraformText } from "../constructs/terraform-text.ts";
import { manageHcpTerraform } from "./hcp-terraform-resources.ts";
import type { SynthHalf } from "./vendor-synth.ts";

/** The synth half of HCP Terraform and Terraform Enterprise. */
export const hcpTerraform: SynthHalf<"hcp-terraform"> = ({ vendor: config, agents, providers }, secret) => {
  const { type, organization, agentPool, address, demand, webhook } = config;
  const agentToken = secret("agentToken", `Agent token of pool ${agentPool}`);
  const apiSecret =
    demand === "api" ? secret("apiToken", `API token that reads the runs of organization ${organization}`) : undefined;
  const notificationToken = webhook.enabled
    ? secret("notificationToken", "HMAC key of notifications and run tasks")
    : undefined;
  return {
    runtime: { type, organization, agentPool, address, demand },
    departure: "by-itself",
    apiSecret,
    ledgerTtlSeconds: demand === "notifications" ? config.runTtlSeconds : undefined,
    webhook: notificationToken
      ? {
          ...throttleOf(webhook, demand === "notifications"),
          secret: notificationToken,
          paths: { webhook_url: webhookPaths.notifications, run_task_url: webhookPaths.runTask },
          asksVendor: config.manage?.runTask !== undefined,
        }
      : undefined,
    defaultImage: tfcAgentImage,

    container: (_pool, wayOut) => ({
      // The upstream image is unchanged: our entry point is the text of its command.
      entryPoint: ["/bin/sh", "-c"],
      command: [joined([wayOut, agentFile("launcher.sh")]), terraformText("agent-fleets"), agentFile("entry-point.sh")],
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
    }),

    manage: (scope, props) => manageHcpTerraform(scope, config, { ...props, notificationToken, tfe: providers.tfe }),
  };
};

function agentFile(name: string): TerraformText {
  return terraformText(readFileSync(new URL(`../../agents/hcp-terraform/${name}`, import.meta.url), "utf8"));
}
