/** The partitions of AWS, as part of a regular expression. */
export const partitionPattern = "(?:aws|aws-us-gov|aws-cn)";

/** The service in an ARN, such as `ssm`; `undefined` if the text is no ARN, such as a Terraform expression. */
export function serviceOf(arn: string): string | undefined {
  return partsOf(arn)[2];
}

/** The region in an ARN, empty for global services; `undefined` if the text is no ARN. */
export function regionOf(arn: string): string | undefined {
  return partsOf(arn)[3];
}

function partsOf(arn: string): readonly string[] {
  return arn.startsWith("arn:") ? arn.split(":") : [];
}
