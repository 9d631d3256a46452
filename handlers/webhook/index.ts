import { LambdaClient } from "@aws-sdk/client-lambda";
import { clientOptions } from "../aws/client-options.ts";
import { runLedgerOf } from "../aws/run-ledger.ts";
import { createSecretReader } from "../aws/secrets.ts";
import { createWakeUp } from "../aws/wake-up.ts";
import { createKeyring } from "../core/keyring.ts";
import { defineHandler } from "../runtime/define-handler.ts";
import { createWebhookVendor } from "../vendors/webhooks.ts";
import { webhookEnv } from "./env.ts";
import { handleWebhook, type WebhookDeps } from "./handler.ts";

/** The webhook Lambda, behind an API Gateway HTTP API. */
export const handler = defineHandler({
  env: webhookEnv,
  build(env, { log, metricsOf, clock }): WebhookDeps {
    const secrets = createSecretReader({ clock });
    return {
      vendor: createWebhookVendor(env.VENDOR, { log, metrics: metricsOf(), clock }),
      keyring: createKeyring(env.NOTIFICATION_SECRET_ARN, { secrets, clock }),
      ledger: runLedgerOf(env, clock),
      wakeUp: createWakeUp(env.AUTOSCALE_FUNCTION_NAME, new LambdaClient(clientOptions)),
      log,
    };
  },
  handle: handleWebhook,
});
