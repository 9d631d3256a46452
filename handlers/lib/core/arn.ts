/** The partitions of AWS, as part of a regular expression. */
export const partitionPattern = "(?:aws|aws-us-gov|aws-cn)";

/** The service that an ARN is of, such as `ssm`; `undefined` of what is none, such as a Terraform expression. */
export function serviceOf(arn: string): string | undefined {
  return partsOf(arn)[2];
}

/** The region of an ARN, empty where its service knows none; `undefined` of what is no ARN. */
export function regionOf(arn: string): string | undefined {
  return partsOf(arn)[3];
}

function partsOf(arn: string): readonly string[] {
  return arn.startsWith("arn:") ? arn.split(":") : [];
}
