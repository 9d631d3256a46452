import { describe, expect, it } from "vitest";
import { partitionPattern, regionOf, serviceOf } from "../../../../handlers/lib/core/arn.ts";

describe("an ARN", () => {
  it.each([
    ["arn:aws:ssm:us-west-2:111122223333:parameter/a:b", "ssm", "us-west-2"],
    ["arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:x", "secretsmanager", "cn-north-1"],
    ["arn:aws:s3:::bucket", "s3", ""],
    ["agent-fleets/ci/agent-token", undefined, undefined],
    ["${aws_secretsmanager_secret.a:b:ssm:c.arn}", undefined, undefined],
  ])("%s tells its service and region", (arn, service, region) => {
    expect([serviceOf(arn), regionOf(arn)]).toEqual([service, region]);
  });

  it("is of one of three partitions", () => {
    const partition = new RegExp(`^${partitionPattern}$`);
    expect(["aws", "aws-us-gov", "aws-cn", "aws-x", "AWS"].map((name) => partition.test(name))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
