import * as z from "zod";
import { isProtected } from "../../handlers/lib/core/address.ts";
import { partitionPattern as partition } from "../../handlers/lib/core/arn.ts";

const region = "[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}";

/** Text that matches a pattern. `mustBe` ends the error "must be …". */
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

/** A list of at least `atLeast` items, without repetition. */
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

const secret = "secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\\w/+=.@!-]+";
const parameter = "ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\\w./-]+";

/** A secret of Secrets Manager. */
export const secretArn = text(new RegExp(`^arn:${partition}:${secret}$`), "the ARN of a Secrets Manager secret");

/** A secret of Secrets Manager, or one key of its JSON, or a parameter of SSM. */
export const secretOrParameterArn = text(
  new RegExp(`^arn:${partition}:(?:${secret}(?::[\\w-]+::)?|${parameter})$`),
  "the ARN of a Secrets Manager secret (with `:key::` for one key of its JSON) or an SSM parameter, not of an object of S3",
);

/** The same in the form that ECS takes. */
export const secretReference = text(
  new RegExp(`^arn:${partition}:(?:${secret}(?::[\\w-]*:[\\w-]*:[\\w-]*)?|${parameter})$`),
  "the ARN of a Secrets Manager secret (with `:key::` for one key of its JSON) or an SSM parameter",
);

/** The name of an S3 bucket, as part of a regular expression. */
export const bucketPattern = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";

/** The name of an S3 bucket. */
export const bucketName = text(new RegExp(`^${bucketPattern}$`), "the name of an S3 bucket");

/** An S3 bucket by its ARN. */
export const bucketArn = text(new RegExp(`^arn:${partition}:s3:::${bucketPattern}$`), "the ARN of an S3 bucket");

/** A subnet of a VPC. */
export const subnetId = text(/^subnet-[0-9a-f]{8,17}$/, "the id of a subnet, such as subnet-0123456789abcdef0");

/** A security group of a VPC. */
export const securityGroupId = text(/^sg-[0-9a-f]{8,17}$/, "the id of a security group, such as sg-0123456789abcdef0");

/** A machine image of EC2. */
export const amiId = text(/^ami-[0-9a-f]{8,17}$/, "the id of an AMI, such as ami-0123456789abcdef0");

/** The name of a disk on an instance. */
export const deviceName = text(/^\/dev\/[a-z0-9/]+$/, "a device such as /dev/xvda");

/** CPU architecture of containers, instances and images. */
export const architecture = oneOf(["x86_64", "arm64"]);

/** See {@link architecture}. */
export type Architecture = z.output<typeof architecture>;

/** A checksum. */
export const sha256 = text(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hexadecimal digits");

/** An organization of HCP Terraform. */
export const hcpOrganization = text(/^[A-Za-z0-9][\w-]*$/, "the name of an organization: letters, digits, - and _");

/** A workspace of HCP Terraform. */
export const hcpWorkspace = text(/^[\w-]{1,90}$/, "the name of a workspace: letters, digits, - and _");

/** A host name, with a port if it is not 443. */
export const hostname = text(
  /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?$/,
  "a host name in lower case, such as app.terraform.io",
);

/** The end of every URL key's error about a user or password in it. */
const noCredentials =
  "must not hold a user or password: it is not kept secret, in Terraform's state nor on the agents' machines";

/**
 * A URL, for every key that takes one: never with a user or password in it. `mustBe` ends the error "must be …".
 *
 * @param fits whether the parsed URL and its text are allowed
 */
export function urlThat(fits: (url: URL, text: string) => boolean, mustBe: string) {
  const error = `must be ${mustBe}`;
  return z
    .string({ error })
    .refine((value) => !holdsCredentials(value), { error: noCredentials, abort: true })
    .refine((value) => URL.canParse(value) && fits(new URL(value), value), { error });
}

/** The beginning of a text: enough for any URL, and a bound for the patterns' time. */
const mostCharacters = 4096;

/** A password may hold characters that end the host for a parser, and the URL's scheme or its slashes may be missing. */
const withCredentials = [
  /[/\\]{2}[^/\\?#]*@/,
  /:\/\/[^/:[]*:(?!\d*(?:[/?#]|$)).*@/s,
  /^[^/\\?#]*:[/\\]?(?![/\\]).*@(?!sha256:)/s,
  /^[^/\\?#]*@(?!sha256:)[^@]*:\d/,
];

/**
 * Whether a text is, or looks like, a URL with a user or password: then no message may quote it. Like a URL parser, it
 * sees through percent-encoding, tabs, line breaks and the other forms of characters.
 */
export function holdsCredentials(text: string): boolean {
  const written = text
    .slice(0, mostCharacters)
    .normalize("NFKC")
    .trim()
    .replaceAll(/[\t\n\r]/g, "");
  const decoded = written.replaceAll(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return withCredentials.some((pattern) => pattern.test(written) || pattern.test(decoded));
}

/** An https URL. */
export const httpsUrl = urlThat(({ protocol }) => protocol === "https:", "an https URL");

/** The base URL of a vendor's API: https, or http on loopback for tests; nothing after the host. */
export const baseUrl = urlThat(
  (url, text) => url.origin === text && isProtected(url),
  "an https URL without path or trailing slash (http on loopback only), such as https://ci.example.com",
);
