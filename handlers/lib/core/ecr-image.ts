/** Where an image lies in ECR, and which one it is. */
export interface EcrImage {
  readonly account: string;
  readonly region: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

/**
 * The names of a private ECR registry: over IPv4, over both protocols, and each of them with FIPS, also in China.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
 * @see https://docs.aws.amazon.com/general/latest/gr/ecr.html
 */
const ecrImagePattern =
  /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)\/([^:@]+)(?::([^@]+))?(?:@(.+))?/;

/** The place of an image in ECR; `undefined` if another registry has it. */
export function ecrImageOf(reference: string): EcrImage | undefined {
  const [, account, region, repository, tag = "latest", digest] = ecrImagePattern.exec(reference) ?? [];
  return account && region && repository ? { account, region, repository, tag, digest } : undefined;
}
