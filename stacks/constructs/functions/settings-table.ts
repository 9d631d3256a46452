import type { Construct } from "constructs";
import type { TerraformResource } from "#cdktf";
import { DynamodbTableItem } from "#provider-aws/dynamodb-table-item";
import { wholeFleet } from "../../../handlers/lib/core/overrides.ts";
import { type PoolSettings, poolSettings, tableKeys } from "../../../handlers/lib/settings/pool.ts";
import { settingsTable } from "../../config/names.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import { ExpiringTable } from "./expiring-table.ts";

/** One pool of a fleet with its settings. */
interface Pool {
  /** `undefined`: the fleet has one pool without a key. */
  readonly pool: string | undefined;
  readonly settings: PoolSettings;
}

/**
 * The table with a row of settings for each pool. Terraform owns these rows, so that a change of a row by others shows in
 * a plan; the functions may read and not write. Operators add rows of their own, which Terraform does not know.
 */
export class SettingsTable extends ExpiringTable {
  /** Functions that read the rows are to come after them. */
  readonly rows: readonly TerraformResource[];

  /** @param after the rows change only once these are gone that the config no longer has */
  constructor(
    scope: Construct,
    id: string,
    context: StackContext,
    { pools, after }: { readonly pools: readonly Pool[]; readonly after?: readonly TerraformResource[] | undefined },
  ) {
    super(scope, id, context, {
      name: settingsTable(context.name),
      hashKey: tableKeys.part,
      rangeKey: tableKeys.id,
      withoutBackup: "Terraform writes the settings again, and what operators add to them ends by itself.",
    });
    this.rows = pools.map(
      ({ pool, settings }) =>
        new DynamodbTableItem(this, pool === undefined ? "row" : `row-${pool}`, {
          tableName: this.name,
          hashKey: tableKeys.part,
          rangeKey: tableKeys.id,
          item: JSON.stringify({
            [tableKeys.part]: { S: "pool" },
            [tableKeys.id]: { S: pool ?? wholeFleet },
            [tableKeys.document]: { S: poolSettings.encode(settings) },
          }),
          dependsOn: after && [...after],
        }),
    );
  }

  /** Lets a role read all rows of a part. */
  grantReadAll(role: ServiceRole): void {
    this.grant(role, ["dynamodb:Query"]);
  }

  /** Lets a role read single rows. */
  grantRead(role: ServiceRole): void {
    this.grant(role, ["dynamodb:GetItem"]);
  }
}
