import * as z from "zod";
import { isProtected } from "../../handlers/core/address.ts";

/** The partitions of AWS, as a regular expression. */
const partition = "(?:aws|aws-us-gov|aws-cn)";
const region = "[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}";

/** Text of one form. `mustBe` completes the sentence of every error: "must be …". */
export function text(pattern: RegExp, mustBe: string) {
  const error = `must be ${mustBe}`;
  return z.string({ error }).regex(pattern, { error });
}

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** One of a few values. */
export function oneOf<const T extends readonly (string | number)[]>(values: T) {
  return z.literal(values, { error: `must be one of ${values.join(", ")}` });
}

/** A list that repeats nothing; `atLeast` items. */
export function uniqueList<T extends z.ZodType>(item: T, atLeast = 0) {
  const error = atLeast > 0 ? `must be a list of at least ${atLeast}` : "must be a list";
  return z
    .array(item, { error })
    .min(atLeast, { error })
    .refine((items) => new Set(items).size === items.length, { error: "must not repeat an item" });
}

/** An AWS region's name. */
export const regionName = text(new RegExp(`^${region}$`), "an AWS region such as us-west-2");

/** An ARN of `service` with a region and an account; `resource` is the pattern of its last part. */
export function regionalArn(service: string, resource: string, mustBe: string) {
  return text(new RegExp(`^arn:${partition}:${service}:${region}:[0-9]{12}:${resource}$`), mustBe);
}

/** A customer managed KMS key. */
export const kmsKey = regionalArn("kms", "key/[\\w-]+", "the ARN of a KMS key (not of an alias)");

/** An ARN of an IAM policy, AWS's own or one of an account. */
export const policyArn = text(
  new RegExp(`^arn:${partition}:iam::(?:aws|[0-9]{12}):policy/[\\w+=,.@/-]+$`),
  "the ARN of an IAM policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess",
);

/** A host name, with a port where it is not the usual one. */
export const hostname = text(
  /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?$/,
  "a host name in lower case, such as app.terraform.io",
);

/** The base URL of a vendor's API: https, or http on loopback, where tests live; nothing after the host. */
export const baseUrl = z.string({ error: "must be a URL" }).refine(isBaseUrl, {
  error:
    "must be an https URL without path or trailing slash (http on loopback only), such as https://app.terraform.io",
});

function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return url.origin === value && isProtected(url);
}
