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

/**
 * A Secrets Manager secret as ECS writes it: `arn:…:secret:name`, or `arn:…:secret:name:key::` for one key of its JSON
 * (ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables").
 */
export function secretParts(reference: string): { readonly arn: string; readonly key: string | undefined } {
  const parts = partsOf(reference);
  if (parts[2] !== "secretsmanager") return { arn: reference, key: undefined };
  return { arn: parts.slice(0, 7).join(":"), key: parts[7] || undefined };
}

function partsOf(arn: string): readonly string[] {
  return arn.startsWith("arn:") ? arn.split(":") : [];
}
