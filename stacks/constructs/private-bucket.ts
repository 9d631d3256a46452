import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { StackContext } from "./stack-context.ts";

/** A bucket for what a stack makes itself: private, encrypted, TLS only, not versioned, and gone with the stack. */
export class PrivateBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** What must exist before anything is put into it. */
  readonly ready: ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** What it is for: part of its name. At most 9 characters. */
      readonly purpose: string;
    },
  ) {
    super(scope, id);
    const { context, purpose } = props;
    // AWS takes 37 characters of prefix.
    const bucketPrefix = `${context.name.slice(0, 26)}-${purpose}-`;
    const { id: bucket, arn } = new S3Bucket(this, "bucket", { bucketPrefix, forceDestroy: true });
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
        context.kmsKeyArn
          ? {
              applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: context.kmsKeyArn },
              bucketKeyEnabled: true,
            }
          : { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } },
      ],
    });
    const policy = new S3BucketPolicy(this, "policy", {
      bucket,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
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
    this.ready = [encryption, policy];
  }
}
