import { DynamodbTable } from "@cdktf/provider-aws/lib/dynamodb-table";
import { Construct } from "constructs";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/**
 * The table of a fleet's loop: the lease that keeps passes from overlapping, and the documents that outlive a function. It
 * holds no secrets, and a loop that finds it empty starts anew.
 */
export class FleetStateTable extends Construct {
  readonly name: string;
  private readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: StackContext,
  ) {
    super(scope, id);
    const table = new DynamodbTable(this, "table", {
      name: `${context.name}-state`,
      billingMode: "PAY_PER_REQUEST",
      hashKey: "key",
      attribute: [{ name: "key", type: "S" }],
      ttl: { attributeName: "expiresAt", enabled: true },
      serverSideEncryption: context.kmsKeyArn ? { enabled: true, kmsKeyArn: context.kmsKeyArn } : undefined,
    });
    this.name = table.name;
    this.arn = table.arn;
  }

  /** Lets the loop hold the lease and keep its documents. */
  grantUse(role: ServiceRole): void {
    role.allow({ actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resources: [this.arn] });
    role.allowKey(this.context, ["kms:Decrypt"]);
  }
}
