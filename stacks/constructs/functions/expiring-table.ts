import { Construct } from "constructs";
import { DynamodbTable } from "#provider-aws/dynamodb-table";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/** A DynamoDB table with texts as keys, whose items may expire: at `expiresAt`, in seconds since 1970. */
export abstract class ExpiringTable extends Construct {
  readonly name: string;
  private readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: StackContext,
    {
      name,
      hashKey,
      rangeKey,
      withoutBackup = "Its items are short-lived, and the loop and the webhook write them anew.",
    }: {
      readonly name: string;
      readonly hashKey: string;
      readonly rangeKey?: string;
      /** Why it needs no backup. */
      readonly withoutBackup?: string;
    },
  ) {
    super(scope, id);
    const table = new DynamodbTable(this, "table", {
      name,
      billingMode: "PAY_PER_REQUEST",
      hashKey,
      rangeKey,
      attribute: [hashKey, ...(rangeKey === undefined ? [] : [rangeKey])].map((key) => ({ name: key, type: "S" })),
      ttl: { attributeName: "expiresAt", enabled: true },
      serverSideEncryption: context.kmsKeyArn ? { enabled: true, kmsKeyArn: context.kmsKeyArn } : undefined,
    });
    acceptFindings(table, {
      CKV_AWS_28: withoutBackup,
      CKV_AWS_119: !context.kmsKeyArn && withoutKey,
    });
    this.name = table.name;
    this.arn = table.arn;
  }

  protected grant(role: ServiceRole, actions: readonly string[]): void {
    role.allow({ actions, resources: [this.arn] });
    role.allowKey(this.context, ["kms:Decrypt"]);
  }
}
