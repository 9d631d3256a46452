import type { Construct } from "constructs";
import { stateTable } from "../../config/names.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import { ExpiringTable } from "./expiring-table.ts";

/**
 * The table of a fleet's loop: the lease that keeps passes from overlapping, and the documents that outlive a function. It
 * holds no secrets, and a loop that finds it empty starts anew.
 */
export class FleetStateTable extends ExpiringTable {
  constructor(scope: Construct, id: string, context: StackContext) {
    super(scope, id, context, { name: stateTable(context.name), hashKey: "key" });
  }

  /** Lets the loop hold the lease and keep its documents. */
  grantUse(role: ServiceRole): void {
    this.grant(role, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]);
  }
}
