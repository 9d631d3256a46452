/** Values that all constructs of one stack share. */
export interface StackContext {
  /** The stack's name: prefix of the names of everything in it. */
  readonly name: string;
  readonly region: string;
  /** ARN partition, as a Terraform expression. */
  readonly partition: string;
  /** Account id, as a Terraform expression. */
  readonly accountId: string;
  /** Customer managed key for every resource that can use one. */
  readonly kmsKeyArn: string | undefined;
  readonly logRetentionDays: number;
  readonly permissionsBoundaryArn: string | undefined;
  /** IAM path of the roles. */
  readonly iamPath: string | undefined;
  /** Lambda runtime of the functions. */
  readonly lambdaRuntime: string;
}

/** ARN of a resource of this stack's account and region. */
export function arnOf(context: StackContext, service: string, resource: string): string {
  return `arn:${context.partition}:${service}:${context.region}:${context.accountId}:${resource}`;
}
