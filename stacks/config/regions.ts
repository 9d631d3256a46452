/**
 * The regions that every account of AWS's standard partition has from the start. The list is closed: "Regions launched after
 * March 20, 2019 are disabled by default" (AWS Account Management, "Enable or disable AWS Regions in your account").
 */
export const defaultRegions: ReadonlySet<string> = new Set([
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ca-central-1",
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
]);

/** A part of AWS with accounts of its own. */
export type Partition = "aws" | "aws-us-gov" | "aws-cn";

/** The partition of a region, as ARNs in it begin. */
export function partitionOf(region: string): Partition {
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return region.startsWith("cn-") ? "aws-cn" : "aws";
}

/** Whether an account must enable the region before it can use it. True for names that are no region, too. */
export function isOptIn(region: string): boolean {
  return partitionOf(region) === "aws" && !defaultRegions.has(region);
}
