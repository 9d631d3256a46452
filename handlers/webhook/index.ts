import { LambdaClient } from "@aws-sdk/client-lambda";
import { clientOptions } from "../lib/aws/client-options.ts";
import { runLedgerOf } from "../lib/aws/run-ledger.ts";
import { createSecretReader } from "../lib/aws/secrets.ts";
import { createWakeUp } from "../lib/aws/wake-up.ts";
import { createKeyring } from "../lib/core/keyring.ts";
import { defineHandler } from "../lib/runtime/define-handler.ts";
import { webhookEnv } from "../lib/settings/webhook.ts";
import { createFetch, outboundOf } from "../lib/vendors/outbound.ts";
import { createWebhookVendor } from "../lib/vendors/webhooks.ts";
import { handleWebhook, type WebhookDeps } from "./handler.ts";

/** The webhook Lambda, behind an API Gateway HTTP API. */
export const handler = defineHandler({
  env: webhookEnv,
  build(env, { log, metricsOf, clock }): WebhookDeps {
    const secrets = createSecretReader({ clock });
    return {
      vendor: createWebhookVendor(env.VENDOR, {
        log,
        metrics: metricsOf(),
        clock,
        fetch: createFetch(outboundOf(env.OUTBOUND, secrets)),
      }),
      keyring: createKeyring(env.NOTIFICATION_SECRET_ARN, { secrets, clock }),
      ledger: runLedgerOf(env, clock),
      wakeUp: createWakeUp(env.AUTOSCALE_FUNCTION_NAME, new LambdaClient(clientOptions)),
      log,
    };
  },
  handle: handleWebhook,
});
