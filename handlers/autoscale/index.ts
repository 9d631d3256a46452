import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { capacityDocument, createCapacities } from "../lib/aws/capacity.ts";
import { clientOptions } from "../lib/aws/client-options.ts";
import { createLease, createNotebook } from "../lib/aws/fleet-state.ts";
import { createImageDates } from "../lib/aws/image-dates.ts";
import { createNextLooks } from "../lib/aws/next-looks.ts";
import { createRetirements } from "../lib/aws/retirements.ts";
import { runLedgerOf } from "../lib/aws/run-ledger.ts";
import { createSecretReader } from "../lib/aws/secrets.ts";
import { createSettingsTable } from "../lib/aws/settings-table.ts";
import { signedCallsOf } from "../lib/aws/signed-call.ts";
import { drainReportName } from "../lib/core/drain-report.ts";
import { defineHandler } from "../lib/runtime/define-handler.ts";
import { autoscaleEnv } from "../lib/settings/autoscale.ts";
import { createVendor } from "../lib/vendors/clients.ts";
import { createTokenReader, type VendorDeps } from "../lib/vendors/deps.ts";
import { createFetch, outboundOf } from "../lib/vendors/outbound.ts";
import { callOf } from "./call.ts";
import type { AutoscaleDeps } from "./deps.ts";
import { allowDestroy, allowDestroyOfFallback, terraformRequestOf } from "./destroy.ts";
import { runFleet } from "./fleet.ts";
import { createMemory } from "./memory.ts";
import { createPools } from "./pools.ts";

/** Time for acting after the vendor's answer, before Lambda stops the function. */
const reserveMilliseconds = 30_000;

/** A pass starts no look if less than this is left: a look may have to wait for the vendor's rate limit. */
const lastLookMilliseconds = 70_000;

/** The autoscale Lambda, run every minute, whenever a webhook wakes it, and when a look is due that it asked for. */
export const handler = defineHandler({
  env: autoscaleEnv,
  build(env, { log, metricsOf, clock, deadline }) {
    const secrets = createSecretReader({ clock });
    const vendorDeps: VendorDeps = {
      clock,
      fetch: createFetch(outboundOf(env.OUTBOUND, secrets)),
      deadline: deadline(reserveMilliseconds),
      readToken: createTokenReader(env.API_TOKEN_SECRET_ARN, secrets),
      ledger: runLedgerOf(env, clock),
    };
    const state = { table: env.STATE_TABLE, dynamodb: new DynamoDBClient(clientOptions), clock };
    const lease = createLease(state);
    const capacityIn = createCapacities(clock);
    // One quick try: a look waits for the answer, and there is another one in an hour.
    const ec2 = new EC2Client({ ...clientOptions, maxAttempts: 1 });
    const call = signedCallsOf(ec2);
    const sfn = new SFNClient(clientOptions);
    const rows = createSettingsTable({ table: env.SETTINGS_TABLE, dynamodb: state.dynamodb });
    const readPools = createPools(env, { rows, clock, log }, ({ pool, poolName, policy, vendor, capacity }) => ({
      poolName,
      policy,
      tickSeconds: env.TICK_SECONDS,
      vendor: createVendor(vendor, vendorDeps),
      capacity: capacityIn(capacity, (part) => createNotebook(capacityDocument(poolName, part), state)),
      images: createImageDates(capacity, { ec2, call }),
      retirements: env.RETIREMENTS && createRetirements({ ...env.RETIREMENTS, poolName, pool }, { sfn, clock }),
      lease,
      notebook: createNotebook(`loop ${poolName}`, state),
      memory: createMemory(),
      drainReport: createNotebook(drainReportName(poolName), state),
      clock,
      log,
      metrics: metricsOf(pool),
      newSuffix: () => randomBytes(6).toString("hex"),
    }));
    const destroy = { fleet: env.FLEET, lease: createLease(state), clock, log };
    const nextLooks = createNextLooks(env.NEXT_LOOKS_QUEUE_URL, { clock, log });
    return { readPools, lease, nextLooks, clock, deadline: deadline(lastLookMilliseconds), log, destroy };
  },
  async handle(event: unknown, { readPools, destroy, ...fleet }) {
    const asked = terraformRequestOf(event);
    if (asked === undefined) return runFleet({ ...fleet, readPools }, callOf(event));
    if (asked.action === "create" || asked.action === "update") return [];
    const capacities = (await readPools()).map((pool) => capacityOf(pool));
    return asked.part === "fallback"
      ? allowDestroyOfFallback({ ...destroy, capacities })
      : allowDestroy({ ...destroy, capacities });
  },
});

/** Nobody can say whether a pool has agents whose settings cannot be used. */
function capacityOf(pool: AutoscaleDeps | Error): AutoscaleDeps["capacity"] {
  if (pool instanceof Error) throw new Error(`${pool.message}. Nothing was destroyed`);
  return pool.capacity;
}
