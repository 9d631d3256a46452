import { Construct } from "constructs";
import { DynamodbTable } from "#provider-aws/dynamodb-table";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/** A DynamoDB table with a text as key, whose items may expire: at `expiresAt`, in seconds since 1970. */
export abstract class ExpiringTable extends Construct {
  readonly name: string;
  private readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: StackContext,
    { suffix, hashKey }: { readonly suffix: string; readonly hashKey: string },
  ) {
    super(scope, id);
    const table = new DynamodbTable(this, "table", {
      name: `${context.name}-${suffix}`,
      billingMode: "PAY_PER_REQUEST",
      hashKey,
      attribute: [{ name: hashKey, type: "S" }],
      ttl: { attributeName: "expiresAt", enabled: true },
      serverSideEncryption: context.kmsKeyArn ? { enabled: true, kmsKeyArn: context.kmsKeyArn } : undefined,
    });
    acceptFindings(table, {
      CKV_AWS_28: "Its items are short-lived, and the loop and the webhook write them anew.",
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
