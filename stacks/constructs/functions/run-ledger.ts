import type { Construct } from "constructs";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import { ExpiringTable } from "./expiring-table.ts";

/** The table in which notifications-only fleets remember runs. All its items expire by themselves. */
export class RunLedgerTable extends ExpiringTable {
  constructor(scope: Construct, id: string, context: StackContext) {
    super(scope, id, context, { name: `${context.name}-runs`, hashKey: "runId" });
  }

  /** Lets a role record seen runs. */
  grantWrite(role: ServiceRole): void {
    this.grant(role, ["dynamodb:PutItem"]);
  }

  /** Lets a role read all open runs. */
  grantRead(role: ServiceRole): void {
    this.grant(role, ["dynamodb:Scan"]);
  }
}
