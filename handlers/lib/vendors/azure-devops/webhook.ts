import * as z from "zod";
import { sharedSecretProof } from "../../core/signature.ts";
import { ignored, malformed, parseJson, type WebhookVendor } from "../../core/webhook.ts";
import { webhookPath } from "../../settings/vendors/azure-devops.ts";

/** Header with the shared secret, in lower case. Service hooks cannot sign their messages. */
export const hookSecretHeader = "x-agent-fleets-hook";

/** The event about jobs. It names no pool, so every such event wakes the loop. */
export const jobStateEvent = "ms.vss-pipelines.job-state-changed-event";

const hookBody = z.looseObject({ eventType: z.string() });

/** The messages of Azure DevOps: service hooks, https://learn.microsoft.com/azure/devops/service-hooks/events. */
export function createAzureDevOpsWebhook(): WebhookVendor {
  return [
    {
      path: webhookPath,
      proof: ({ headers }) => sharedSecretProof(headers[hookSecretHeader]),
      receive(request) {
        const parsed = hookBody.safeParse(parseJson(request));
        if (!parsed.success) return Promise.resolve(malformed);
        const wakes = parsed.data.eventType === jobStateEvent;
        return Promise.resolve(wakes ? { status: 200, seenRuns: [], wake: true } : ignored);
      },
    },
  ];
}
