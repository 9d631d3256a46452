import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { S3Bucket } from "#provider-aws/s3-bucket";
import { S3BucketLifecycleConfiguration } from "#provider-aws/s3-bucket-lifecycle-configuration";
import { S3BucketPolicy } from "#provider-aws/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "#provider-aws/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "#provider-aws/s3-bucket-server-side-encryption-configuration";
import { acceptFindings } from "./accepted-findings.ts";
import type { StackContext } from "./stack-context.ts";

/** A private bucket: encrypted, TLS only, not versioned. */
export class PrivateBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** The bucket policy with the statements of `allow`. */
  readonly policy: ITerraformDependable;
  /** Resources that must exist before objects are put into it. */
  readonly ready: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** Part of the bucket's name. At most 9 characters. */
      readonly purpose: string;
      /** `undefined`: S3's own key. */
      readonly kmsKeyArn: string | undefined;
      /** Destroying the stack deletes the bucket with its objects. @default only an empty bucket */
      readonly forceDestroy?: true;
      /** How long objects are kept. 0: for ever. @default 0 */
      readonly expireDays?: number;
      /** Returns further policy statements for the bucket's ARN. @default none */
      readonly allow?: (arn: string) => readonly object[];
    },
  ) {
    super(scope, id);
    const { context, purpose, kmsKeyArn, forceDestroy, expireDays = 0, allow = () => [] } = props;
    // AWS allows a prefix of 37 characters.
    const bucketPrefix = `${context.name.slice(0, 26)}-${purpose}-`;
    const made = new S3Bucket(this, "bucket", { bucketPrefix, forceDestroy });
    acceptFindings(made, {
      CKV2_AWS_61: expireDays === 0 && "It holds one small file, which Terraform replaces.",
      CKV2_AWS_62: "Nothing waits for its objects.",
      CKV_AWS_18: "Access logs need another bucket; CloudTrail records who changed this one.",
      CKV_AWS_21: "Logs are written once, and Terraform has the source of all else.",
      CKV_AWS_144: "It is used in its own region only.",
      CKV_AWS_145:
        kmsKeyArn === undefined && "S3's own key encrypts it: kmsKeyArn is not set, or flow logs cannot use it.",
    });
    const { id: bucket, arn } = made;
    this.name = bucket;
    this.arn = arn;
    const closed = new S3BucketPublicAccessBlock(this, "private", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket,
      rule: [
        kmsKeyArn
          ? {
              applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyArn },
              bucketKeyEnabled: true,
            }
          : { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } },
      ],
    });
    if (expireDays > 0) {
      new S3BucketLifecycleConfiguration(this, "expiry", {
        bucket,
        rule: [
          {
            id: "expire",
            status: "Enabled",
            filter: [{}],
            expiration: [{ days: expireDays }],
            abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
          },
        ],
      });
    }
    this.policy = new S3BucketPolicy(this, "policy", {
      bucket,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          ...allow(arn),
          {
            Sid: "NoPlainHttp",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [arn, `${arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
      dependsOn: [closed],
    });
    this.ready = [encryption, this.policy];
  }
}
