import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { clientOptions } from "../aws/client-options.ts";
import { createEcsCapacity } from "../aws/ecs-capacity.ts";
import { createRunLedger } from "../aws/run-ledger.ts";
import { createSecretReader } from "../aws/secrets.ts";
import { SecretUnavailableError } from "../core/errors.ts";
import { defineHandler } from "../runtime/define-handler.ts";
import { createVendor } from "../vendors/index.ts";
import { autoscaleEnv } from "./env.ts";
import { type AutoscaleDeps, runPass } from "./handler.ts";

/** What is left of an invocation for acting once the vendor has answered; Lambda cuts off what takes longer. */
const reserveMilliseconds = 30_000;
let vendorDeadline: Date | undefined;

/** The autoscale Lambda, run every minute and whenever a webhook wakes it. */
export const handler = defineHandler({
  env: autoscaleEnv,
  build(env, { log, metrics, clock }): AutoscaleDeps {
    const secrets = createSecretReader({
      secretsManager: new SecretsManagerClient(clientOptions),
      ssm: new SSMClient(clientOptions),
      clock,
    });
    const { API_TOKEN_SECRET_ARN: apiToken, LEDGER_TABLE: table, RUN_TTL_SECONDS: runTtlSeconds } = env;
    return {
      fleet: env.FLEET,
      policy: env.POLICY,
      tickSeconds: env.TICK_SECONDS,
      vendor: createVendor(env.VENDOR, {
        clock,
        deadline: () => vendorDeadline,
        readToken: async (options) => {
          if (apiToken === undefined) throw new SecretUnavailableError("this fleet was deployed without an API token");
          return secrets.read(apiToken, options);
        },
        ...(table !== undefined &&
          runTtlSeconds !== undefined && {
            ledger: createRunLedger({ table, runTtlSeconds }, { dynamodb: new DynamoDBClient(clientOptions), clock }),
          }),
      }),
      capacity: createEcsCapacity(env.CAPACITY, { ecs: new ECSClient(clientOptions), clock }),
      clock,
      log,
      metrics,
      newSuffix: () => randomBytes(6).toString("hex"),
    };
  },
  handle(_event: unknown, deps, context) {
    const milliseconds = context.getRemainingTimeInMillis() - reserveMilliseconds;
    vendorDeadline = new Date(deps.clock.now().getTime() + milliseconds);
    return runPass(deps);
  },
});
