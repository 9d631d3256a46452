import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { capacityDocument, createCapacities } from "../../../handlers/lib/aws/capacity.ts";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { createNotebook } from "../../../handlers/lib/aws/fleet-state.ts";
import { type DrainReport, drainReport, drainReportName } from "../../../handlers/lib/core/drain-report.ts";
import type { Capacity, Clock, Notebook } from "../../../handlers/lib/core/ports.ts";
import type { PoolSettings } from "../../../handlers/lib/settings/pool.ts";
import { stateTable } from "../../../stacks/config/names.ts";
import type { FleetTable } from "../lib/fleet-table.ts";

/** A pool of a fleet as an operator sees it from outside. Nothing here changes the pool. */
export interface WatchedPool {
  /** `undefined`: the fleet has one pool without a key. */
  readonly pool: string | undefined;
  /** Prefix of its agents' names. */
  readonly poolName: string;
  readonly settings: PoolSettings;
  readonly capacity: Pick<Capacity, "read" | "remaining">;
  /** The last report of the loop about a drain; `undefined`: there is none. */
  readReport(): Promise<DrainReport | undefined>;
}

/**
 * Makes the pools of a fleet visible. Needs what the loop needs to see them (`ecs:ListTasks` and `DescribeTasks`, or
 * `autoscaling:DescribeAutoScalingGroups`, `DescribeScalingActivities` and `ec2:DescribeInstances`), and
 * `dynamodb:GetItem` on the table `<stack>-state`.
 */
export function createWatchedPools(
  { stack, region }: Pick<FleetTable, "stack" | "region">,
  clock: Clock,
): (pool: string | undefined, settings: PoolSettings) => WatchedPool {
  const state = { table: stateTable(stack), dynamodb: new DynamoDBClient({ ...clientOptions, region }), clock };
  const capacityIn = createCapacities(clock, region);
  return (pool, settings) => {
    const poolName = pool === undefined ? stack : `${stack}.${pool}`;
    const report = createNotebook(drainReportName(poolName), state);
    return {
      pool,
      poolName,
      settings,
      capacity: capacityIn(settings.capacity, (part) =>
        readOnly(createNotebook(capacityDocument(poolName, part), state)),
      ),
      readReport: async () => drainReport.safeDecode((await report.read()) as never).data,
    };
  };
}

/** The loop alone writes its documents. */
function readOnly({ read }: Notebook): Notebook {
  return { read, write: () => Promise.resolve() };
}
