/** How much of one thing AWS takes. */
export interface Limit {
  /** What AWS takes without being asked. */
  readonly usual: number;
  /** What AWS gives at most, on request. Left out: no more than usual. */
  readonly most?: number;
  /** The quota in Service Quotas, where AWS gives more on request. */
  readonly quota?: string;
}

/**
 * Characters of all inline policies of a role together, without white space between the parts of the JSON. "Role policy
 * size cannot exceed 10,240 characters. IAM does not count white space when calculating the size of a policy against these
 * quotas" (IAM User Guide, "IAM and AWS STS quotas"). Inside of texts we count it: that is the safe side.
 */
export const inlinePolicies: Limit = { usual: 10_240 };

/** Characters of one managed policy, counted alike (same page). */
export const managedPolicy: Limit = { usual: 6144 };

/** Managed policies of a role (same page, and its table of adjustable quotas). */
export const attachedPolicies: Limit = { usual: 10, most: 25, quota: "L-0DA4ABF3" };

/** Characters of a role's trust policy (same page). */
export const trustPolicy: Limit = { usual: 2048, most: 8192, quota: "L-C07B4B0D" };

/**
 * Bytes of the policies of other resources, by type and argument.
 *
 * - SQS: 8,192 (SQS Developer Guide, "Amazon SQS policy quotas")
 * - SNS: 30 KB (SNS Developer Guide, "Policy quotas")
 * - KMS: 32,768 (KMS API Reference, PutKeyPolicy)
 * - S3: 20 KB (S3 User Guide, "Bucket policies")
 * - ECR: 10,240 characters (ECR API Reference, SetRepositoryPolicy)
 * - Secrets Manager: 20,480 (API Reference, PutResourcePolicy)
 * - CloudWatch Logs: 5,120 (API Reference, PutResourcePolicy)
 */
export const resourcePolicies: Readonly<Record<string, { readonly argument: string; readonly bytes: number }>> = {
  aws_cloudwatch_log_resource_policy: { argument: "policy_document", bytes: 5120 },
  aws_ecr_repository_policy: { argument: "policy", bytes: 10_240 },
  aws_kms_key: { argument: "policy", bytes: 32_768 },
  aws_s3_bucket_policy: { argument: "policy", bytes: 20_480 },
  aws_secretsmanager_secret: { argument: "policy", bytes: 20_480 },
  aws_secretsmanager_secret_policy: { argument: "policy", bytes: 20_480 },
  aws_sns_topic: { argument: "policy", bytes: 30_720 },
  aws_sns_topic_policy: { argument: "policy", bytes: 30_720 },
  aws_sqs_queue: { argument: "policy", bytes: 8192 },
  aws_sqs_queue_policy: { argument: "policy", bytes: 8192 },
};
