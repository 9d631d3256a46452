import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createCapacities } from "../aws/capacity.ts";
import { clientOptions } from "../aws/client-options.ts";
import { createRetirements } from "../aws/retirements.ts";
import { createRunLedger } from "../aws/run-ledger.ts";
import { createSecretReader } from "../aws/secrets.ts";
import { SecretUnavailableError } from "../core/errors.ts";
import { defineHandler } from "../runtime/define-handler.ts";
import type { VendorDeps } from "../vendors/deps.ts";
import { createVendor } from "../vendors/index.ts";
import { autoscaleEnv } from "./env.ts";
import { type AutoscaleDeps, runPools } from "./handler.ts";
import { createMemory } from "./memory.ts";
import { poolsOf } from "./pools.ts";

/** What is left of an invocation for acting once the vendor has answered; Lambda cuts off what takes longer. */
const reserveMilliseconds = 30_000;
let vendorDeadline: Date | undefined;

/** The autoscale Lambda, run every minute and whenever a webhook wakes it. */
export const handler = defineHandler({
  env: autoscaleEnv,
  build(env, { log, metricsOf, clock }): readonly AutoscaleDeps[] {
    const secrets = createSecretReader({
      secretsManager: new SecretsManagerClient(clientOptions),
      ssm: new SSMClient(clientOptions),
      clock,
    });
    const { API_TOKEN_SECRET_ARN: apiToken, LEDGER_TABLE: table, RUN_TTL_SECONDS: runTtlSeconds } = env;
    const vendorDeps: VendorDeps = {
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
    };
    const capacityOf = createCapacities(clock);
    const sfn = new SFNClient(clientOptions);
    return poolsOf(env).map(({ pool, fleet, policy, vendor, capacity }) => ({
      fleet,
      policy,
      tickSeconds: env.TICK_SECONDS,
      vendor: createVendor(vendor, vendorDeps),
      capacity: capacityOf(capacity),
      retirements: env.RETIREMENTS && createRetirements({ ...env.RETIREMENTS, fleet, pool }, { sfn, clock }),
      memory: createMemory(),
      clock,
      log,
      metrics: metricsOf(pool),
      newSuffix: () => randomBytes(6).toString("hex"),
    }));
  },
  handle(_event: unknown, pools, context) {
    const [first] = pools;
    const milliseconds = context.getRemainingTimeInMillis() - reserveMilliseconds;
    if (first) vendorDeadline = new Date(first.clock.now().getTime() + milliseconds);
    return runPools(pools);
  },
});
