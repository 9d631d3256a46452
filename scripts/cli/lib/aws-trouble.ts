/** Why a call to AWS failed: what happened in plain words, and what a person does about it. */
export interface AwsTrouble {
  readonly kind:
    | "no-credentials"
    | "expired"
    | "not-accepted"
    | "clock"
    | "denied"
    | "address"
    | "no-answer"
    | "certificate"
    | "not-aws"
    | "throttled"
    | "failing";
  /** A sentence without a full stop, with AWS's or the system's own words where they say more. */
  readonly why: string;
  /** Sentences. */
  readonly todo: string;
}

/**
 * Names of errors that many or all services of AWS answer with.
 * - https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 * - EC2 has names of its own: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. SNS, too.
 * - Names about too many calls: `THROTTLING_ERROR_CODES` of the AWS SDK (@smithy/core, service-error-classification).
 * - No credentials: the AWS SDK's own names. It has the same name for an expired login, with "expired" in its message.
 * - `UnauthorizedException`: IAM Identity Center's for a login that has ended.
 *   https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
 */
const names: readonly (readonly [kind: AwsTrouble["kind"], of: RegExp])[] = [
  ["expired", /^(?:ExpiredToken(?:Exception)?|SSOTokenProviderFailure|UnauthorizedException)$/],
  ["no-credentials", /^(?:CredentialsProviderError|TokenProviderError|MissingAuthenticationToken(?:Exception)?)$/],
  ["not-accepted", /^(?:UnrecognizedClientException|InvalidClientTokenId|AuthFailure)$/],
  ["not-accepted", /^(?:SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature)$/],
  ["clock", /^(?:RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/],
  ["denied", /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation|AuthorizationError(?:Exception)?|NotAuthorized)$/],
  ["throttled", /^(?:\w*Throttl\w*|RequestLimitExceeded|TooManyRequests(?:Exception)?|SlowDown)$/],
  ["failing", /^(?:InternalFailure|InternalError|InternalServerError|ServiceUnavailable(?:Exception)?)$/],
];

/**
 * Codes of the operating system, of Node's resolver, of its `fetch` (`UND_ERR_`), of TLS, and the SDK's name for an answer
 * that did not come in time. https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes
 */
const codes: readonly (readonly [kind: AwsTrouble["kind"], of: RegExp])[] = [
  ["no-answer", /^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|EPROTO|UND_ERR_|TimeoutError$)/],
  ["certificate", /CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|^CRL_/],
  ["address", /^ERR_INVALID_URL$/],
];

/** The SDK's words for an answer in none of AWS's forms, such as the page of a proxy. */
const noAwsAnswer = /^@aws-sdk XML parse error|Deserialization error/;

/** What the status of HTTP says where the name of the error says nothing. */
function kindOfStatus(status: number): AwsTrouble["kind"] | undefined {
  if (status === 407) return "not-aws";
  if (status === 429) return "throttled";
  return status >= 500 ? "failing" : undefined;
}

const todos: Readonly<Record<AwsTrouble["kind"], string>> = {
  "no-credentials": "Log in to AWS first: set AWS_PROFILE, or the usual AWS_ variables.",
  expired: "The AWS session has expired: log in again.",
  "not-accepted": "Log in again. AWS answers the same in a region that the account has not enabled.",
  clock: "Set the clock of this machine: AWS refuses what was signed more than some minutes ago.",
  denied: "Grant the right, or use another identity (AWS_PROFILE).",
  address: "Correct AWS_ENDPOINT_URL, or unset it. It is a URL with https:// in front.",
  "no-answer": "Check the network, the region and AWS_ENDPOINT_URL, then try again.",
  certificate:
    "If a proxy of your network opens TLS, name the file of its CA in NODE_EXTRA_CA_CERTS. " +
    "If not, check AWS_ENDPOINT_URL and the clock of this machine.",
  "not-aws":
    "Something between here and AWS answers in its place: check the proxy, the login page of the network and AWS_ENDPOINT_URL.",
  throttled: "Wait a minute, then try again.",
  failing: "Try again in some minutes. If it stays, look at https://health.aws.amazon.com.",
};

/**
 * Tells the usual troubles of a call to AWS apart. `undefined`: it is another one, so AWS's own words are all that is known.
 *
 * @param rights the IAM actions that the call needs, for a refusal that does not name its own
 */
export function troubleOf(error: unknown, rights: readonly string[] = []): AwsTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const kind = kindOf(error);
  return kind && { kind, why: whyOf(kind, error, rights), todo: todos[kind] };
}

/** Troubles of the caller, with whom no call succeeds: one clear error is better than many. */
const ofTheCaller: ReadonlySet<AwsTrouble["kind"]> = new Set(["no-credentials", "expired", "not-accepted", "clock"]);

/** Troubles of the way to AWS, on which no other call comes further. */
const ofTheWay: ReadonlySet<AwsTrouble["kind"]> = new Set(["address", "no-answer", "certificate", "not-aws"]);

/** Whether a call never came to AWS. */
export function isOfTheWay(error: unknown): boolean {
  const kind = troubleOf(error)?.kind;
  return kind !== undefined && ofTheWay.has(kind);
}

/** Whether a call failed by its caller, so that the others fail, too. */
export function isOfTheCaller(error: unknown): boolean {
  const kind = troubleOf(error)?.kind;
  return kind !== undefined && ofTheCaller.has(kind);
}

function kindOf(error: Error): AwsTrouble["kind"] | undefined {
  const [kind] = names.find(([, of]) => of.test(error.name)) ?? [];
  if (kind === "no-credentials" && /expired/i.test(error.message)) return "expired";
  if (kind) return kind;
  if (noAwsAnswer.test(error.message)) return "not-aws";
  const code = "code" in error ? String(error.code) : "";
  const [ofCode] = codes.find(([, of]) => of.test(code) || of.test(error.name)) ?? [];
  if (ofCode) return ofCode;
  if (!("$metadata" in error)) return undefined;
  return kindOfStatus(Number((error.$metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode ?? 0));
}

function whyOf(kind: AwsTrouble["kind"], error: Error, rights: readonly string[]): string {
  const said = error.message.replaceAll(/\s+/g, " ").replace(/\.$/, "");
  switch (kind) {
    case "no-credentials":
      return `there are no AWS credentials here: ${said}`;
    case "expired":
      return `the AWS credentials have expired: ${said}`;
    case "not-accepted":
      return `AWS does not accept these credentials: ${said}`;
    case "clock":
      return `AWS takes the call for too old: ${said}`;
    case "denied": {
      const action = /perform:? ([a-z0-9-]+:\w+)/i.exec(error.message)?.[1] ?? rights.join(", ");
      return action === "" ? `this AWS identity may not do this: ${said}` : `this AWS identity may not do ${action}`;
    }
    case "address":
      return "the address of AWS is no URL";
    case "certificate":
      return `this machine does not trust the certificate that came in AWS's place: ${said}`;
    case "not-aws":
      return "the answer that came is none of AWS's";
    case "no-answer": {
      const host = /ENOTFOUND (\S+)/.exec(said)?.[1];
      if (host) return `there is no address for ${host}`;
      return `no answer came: ${said.replace(/^connect ECONNREFUSED/, "nothing listens at") || error.name}`;
    }
    case "throttled":
      return `AWS turns calls away because too many come: ${said}`;
    case "failing":
      return `AWS itself failed: ${said}`;
  }
}
