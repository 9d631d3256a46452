import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { clientOptions } from "../aws/client-options.ts";
import { createRunLedger } from "../aws/run-ledger.ts";
import { createSecretReader } from "../aws/secrets.ts";
import { createWakeUp } from "../aws/wake-up.ts";
import { createKeyring } from "../core/keyring.ts";
import type { Clock, RunLedger } from "../core/ports.ts";
import { defineHandler } from "../runtime/define-handler.ts";
import { createWebhookVendor } from "../vendors/webhooks.ts";
import { type WebhookEnv, webhookEnv } from "./env.ts";
import { handleWebhook, type WebhookDeps } from "./handler.ts";

/** The webhook Lambda, behind an API Gateway HTTP API. */
export const handler = defineHandler({
  env: webhookEnv,
  build(env, { log, metricsOf, clock }): WebhookDeps {
    const secrets = createSecretReader({
      secretsManager: new SecretsManagerClient(clientOptions),
      ssm: new SSMClient(clientOptions),
      clock,
    });
    return {
      vendor: createWebhookVendor(env.VENDOR, { log, metrics: metricsOf(), clock }),
      keyring: createKeyring(env.NOTIFICATION_SECRET_ARN, { secrets, clock }),
      ledger: ledgerOf(env, clock),
      wakeUp: createWakeUp(env.AUTOSCALE_FUNCTION_NAME, new LambdaClient(clientOptions)),
      log,
    };
  },
  handle: handleWebhook,
});

function ledgerOf(
  { LEDGER_TABLE: table, RUN_TTL_SECONDS: runTtlSeconds }: WebhookEnv,
  clock: Clock,
): RunLedger | undefined {
  if (table === undefined || runTtlSeconds === undefined) return undefined;
  return createRunLedger({ table, runTtlSeconds }, { dynamodb: new DynamoDBClient(clientOptions), clock });
}
