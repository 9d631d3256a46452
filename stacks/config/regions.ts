import { nearest } from "./reading/nearest.ts";

/**
 * The regions that every account of AWS's standard partition has from the start. The list is closed: "Regions launched after
 * March 20, 2019 are disabled by default" (AWS Account Management, "Enable or disable AWS Regions in your account").
 */
const defaultRegions: ReadonlySet<string> = new Set([
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

/**
 * Regions of the standard partition that an account has to enable first, as far as this version knows: AWS opens new ones.
 * The list is that of the AWS SDK (`partitions.js` of @aws-sdk/core 3), which also names some that are only announced.
 */
const optInRegions: readonly string[] = [
  "af-south-1",
  "ap-east-1",
  "ap-east-2",
  "ap-south-2",
  "ap-southeast-3",
  "ap-southeast-4",
  "ap-southeast-5",
  "ap-southeast-6",
  "ap-southeast-7",
  "ca-west-1",
  "eu-central-2",
  "eu-south-1",
  "eu-south-2",
  "il-central-1",
  "me-central-1",
  "me-south-1",
  "mx-central-1",
];

/** Regions of the other partitions, which their accounts have from the start. */
const regionsElsewhere: readonly string[] = ["cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"];

/** What a person has to hear about a region. A newer one than this version knows looks like a misspelled one. */
export function standingOf(region: string): "usual" | "to enable" | "unknown" {
  if (defaultRegions.has(region) || regionsElsewhere.includes(region)) return "usual";
  return optInRegions.includes(region) ? "to enable" : "unknown";
}

/** Known regions that a misspelled one may mean: those of the same place, else the one with the nearest name. */
export function regionsNear(region: string): readonly string[] {
  const known = [...defaultRegions, ...optInRegions, ...regionsElsewhere];
  const place = region.replace(/[0-9]+$/, "");
  const same = known.filter((each) => each.replace(/[0-9]+$/, "") === place);
  if (same.length > 0) return same;
  const near = nearest(region, known);
  return near === undefined ? [] : [near];
}

/** A part of AWS with accounts of its own. */
export type Partition = "aws" | "aws-us-gov" | "aws-cn";

/** The partition of a region, as ARNs in it begin. */
export function partitionOf(region: string): Partition {
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return region.startsWith("cn-") ? "aws-cn" : "aws";
}
