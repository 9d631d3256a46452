import { randomBytes } from "node:crypto";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createCapacities } from "../lib/aws/capacity.ts";
import { clientOptions } from "../lib/aws/client-options.ts";
import { createRetirements } from "../lib/aws/retirements.ts";
import { runLedgerOf } from "../lib/aws/run-ledger.ts";
import { createSecretReader } from "../lib/aws/secrets.ts";
import { defineHandler } from "../lib/runtime/define-handler.ts";
import { autoscaleEnv } from "../lib/settings/autoscale.ts";
import { createVendor } from "../lib/vendors/clients.ts";
import { createTokenReader, type VendorDeps } from "../lib/vendors/deps.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { runPools } from "./handler.ts";
import { createMemory } from "./memory.ts";
import { poolsOf } from "./pools.ts";

/** What is left of an invocation for acting once the vendor has answered; Lambda cuts off what takes longer. */
const reserveMilliseconds = 30_000;

/** The autoscale Lambda, run every minute and whenever a webhook wakes it. */
export const handler = defineHandler({
  env: autoscaleEnv,
  build(env, { log, metricsOf, clock, deadline }): readonly AutoscaleDeps[] {
    const vendorDeps: VendorDeps = {
      clock,
      deadline: deadline(reserveMilliseconds),
      readToken: createTokenReader(env.API_TOKEN_SECRET_ARN, createSecretReader({ clock })),
      ledger: runLedgerOf(env, clock),
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
  handle: (_event: unknown, pools) => runPools(pools),
});
