/** Why a call to AWS failed: what happened in plain words, and what a person does about it. */
export interface AwsTrouble {
  readonly kind:
    | "no-credentials"
    | "expired"
    | "not-accepted"
    | "clock"
    | "denied"
    | "no-answer"
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
 */
const names: readonly (readonly [kind: AwsTrouble["kind"], of: RegExp])[] = [
  ["expired", /^(?:ExpiredToken(?:Exception)?|SSOTokenProviderFailure)$/],
  ["no-credentials", /^(?:CredentialsProviderError|TokenProviderError|MissingAuthenticationToken(?:Exception)?)$/],
  ["not-accepted", /^(?:UnrecognizedClientException|InvalidClientTokenId|AuthFailure)$/],
  ["not-accepted", /^(?:SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature)$/],
  ["clock", /^(?:RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/],
  ["denied", /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation|AuthorizationError(?:Exception)?|NotAuthorized)$/],
  ["throttled", /^(?:\w*Throttl\w*|RequestLimitExceeded|TooManyRequests(?:Exception)?|SlowDown)$/],
  ["failing", /^(?:InternalFailure|InternalError|InternalServerError|ServiceUnavailable(?:Exception)?)$/],
];

/** Codes of the operating system and of Node's resolver, and the SDK's name for an answer that did not come in time. */
const noAnswer = /^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|TimeoutError$)/;

/**
 * The SDK's hint in the errors about answers that it cannot read, such as a web page (@smithy/core,
 * deserializerMiddleware).
 */
const unreadable = "Deserialization error";

const todos: Readonly<Record<AwsTrouble["kind"], string>> = {
  "no-credentials": "Log in to AWS first: set AWS_PROFILE, or the usual AWS_ variables.",
  expired: "The AWS session has expired: log in again.",
  "not-accepted": "Log in again. AWS answers the same in a region that the account has not enabled.",
  clock: "Set the clock of this machine: AWS refuses what was signed more than some minutes ago.",
  denied: "Grant the right, or use another identity (AWS_PROFILE).",
  "no-answer": "Check the network, the region and AWS_ENDPOINT_URL, then try again.",
  "not-aws": "A proxy or a sign-in page may answer in AWS's place: check HTTPS_PROXY and AWS_ENDPOINT_URL.",
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

/** Whether a call failed by its caller, so that the others fail, too. */
export function isOfTheCaller(error: unknown): boolean {
  const kind = troubleOf(error)?.kind;
  return kind !== undefined && ofTheCaller.has(kind);
}

function kindOf(error: Error): AwsTrouble["kind"] | undefined {
  const [kind] = names.find(([, of]) => of.test(error.name)) ?? [];
  if (kind === "no-credentials" && /expired/i.test(error.message)) return "expired";
  if (kind) return kind;
  if (error.message.includes(unreadable)) return "not-aws";
  const code = "code" in error ? String(error.code) : "";
  return noAnswer.test(code) || noAnswer.test(error.name) ? "no-answer" : undefined;
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
    case "no-answer": {
      const host = /ENOTFOUND (\S+)/.exec(said)?.[1];
      if (host) return `there is no address for ${host}`;
      return `no answer came: ${said.replace(/^connect ECONNREFUSED/, "nothing listens at") || error.name}`;
    }
    case "not-aws":
      return `the answer is none that AWS gives: ${said.split(unreadable)[0]?.trim()}`;
    case "throttled":
      return `AWS turns calls away because too many come: ${said}`;
    case "failing":
      return `AWS itself failed: ${said}`;
  }
}
