import { DynamodbTable } from "@cdktf/provider-aws/lib/dynamodb-table";
import { Construct } from "constructs";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/** The table in which notifications-only fleets remember runs. All its items expire by themselves. */
export class RunLedgerTable extends Construct {
  readonly name: string;
  private readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: StackContext,
  ) {
    super(scope, id);
    const table = new DynamodbTable(this, "table", {
      name: `${context.name}-runs`,
      billingMode: "PAY_PER_REQUEST",
      hashKey: "runId",
      attribute: [{ name: "runId", type: "S" }],
      ttl: { attributeName: "expiresAt", enabled: true },
      serverSideEncryption: context.kmsKeyArn ? { enabled: true, kmsKeyArn: context.kmsKeyArn } : undefined,
    });
    this.name = table.name;
    this.arn = table.arn;
  }

  /** Lets a role record seen runs. */
  grantWrite(role: ServiceRole): void {
    this.grant(role, ["dynamodb:PutItem"]);
  }

  /** Lets a role read all open runs. */
  grantRead(role: ServiceRole): void {
    this.grant(role, ["dynamodb:Scan"]);
  }

  private grant(role: ServiceRole, actions: readonly string[]): void {
    role.allow({ actions, resources: [this.arn] });
    role.allowKey(this.context, ["kms:Decrypt"]);
  }
}
