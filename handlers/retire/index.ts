import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SSMClient } from "@aws-sdk/client-ssm";
import { clientOptions } from "../lib/aws/client-options.ts";
import { createInstanceCommands } from "../lib/aws/instance-commands.ts";
import { createInstanceGroup } from "../lib/aws/instance-group.ts";
import { createSecretReader } from "../lib/aws/secrets.ts";
import { createSettingsTable } from "../lib/aws/settings-table.ts";
import { overrideId, overridesOf, underOverrides, wholeFleet } from "../lib/core/overrides.ts";
import { defineHandler } from "../lib/runtime/define-handler.ts";
import { createPoolCache } from "../lib/settings/pool.ts";
import { retireEnv } from "../lib/settings/retire.ts";
import { createVendor } from "../lib/vendors/clients.ts";
import { createTokenReader, type VendorDeps } from "../lib/vendors/deps.ts";
import { createFetch, outboundOf } from "../lib/vendors/outbound.ts";
import { createVendorRetirement } from "../lib/vendors/retirement.ts";
import { handleRetire, type RetireDeps, type RetirePool } from "./handler.ts";

/** The vendor's API gets this much less time than the invocation, so that its failure is reported. */
const reserveMilliseconds = 3_000;

/** The retire Lambda, called by the retirement workflow. */
export const handler = defineHandler({
  env: retireEnv,
  build(env, { log, metricsOf, clock, deadline }): RetireDeps {
    const ssm = new SSMClient(clientOptions);
    const group =
      env.GROUP === undefined
        ? undefined
        : createInstanceGroup(env.GROUP, {
            autoScaling: new AutoScalingClient(clientOptions),
            ec2: new EC2Client(clientOptions),
            clock,
          });
    const secrets = createSecretReader({ ssm, clock });
    const vendorDeps: VendorDeps = {
      clock,
      fetch: createFetch(outboundOf(env.OUTBOUND, secrets)),
      deadline: deadline(reserveMilliseconds),
      readToken: createTokenReader(env.API_TOKEN_SECRET_ARN, secrets),
      instances: group && createInstanceCommands({ ssm, group, clock }),
    };
    const settings = createSettingsTable({ table: env.SETTINGS_TABLE, dynamodb: new DynamoDBClient(clientOptions) });
    const overrides = async (pool: string | undefined) => {
      const ids = [overrideId("drain", undefined), overrideId("drain", pool), overrideId("limits", pool)];
      const rows = await Promise.all(ids.map(async (id) => [id, await settings.read("override", id)] as const));
      return overridesOf(pool, new Map(rows.filter(([, text]) => text !== undefined)), clock.now());
    };
    const pools = createPoolCache(
      ({ pool, policy, vendor }): RetirePool => ({
        retirement: createVendorRetirement(vendor, vendorDeps),
        vendor: createVendor(vendor, vendorDeps),
        metrics: metricsOf(pool),
        mayHaveAgents: async () => underOverrides(policy, await overrides(pool), 0).max > 0,
      }),
    );
    return {
      pools: { get: async (key) => pools.of(key, await settings.read("pool", key ?? wholeFleet)) },
      group,
      log,
    };
  },
  handle: handleRetire,
});
