import * as z from "zod";
import { sharedSecretProof } from "../../core/signature.ts";
import { ignored, malformed, parseJson, type WebhookVendor } from "../../core/webhook.ts";
import { webhookPath } from "../../settings/vendors/azure-devops.ts";

/** Header that our service hooks carry the shared secret in: they cannot sign. In lower case. */
export const hookSecretHeader = "x-agent-fleets-hook";

/** The event that tells of jobs. It names no pool, so each one wakes the loop. */
export const jobStateEvent = "ms.vss-pipelines.job-state-changed-event";

const hookBody = z.looseObject({ eventType: z.string() });

/** What Azure DevOps posts: service hooks, https://learn.microsoft.com/azure/devops/service-hooks/events. */
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
