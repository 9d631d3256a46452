import type { CapacityReading, LaunchFailureKind, LaunchReport } from "../core/ports.ts";

/** How long a failed launch counts. */
export const hourMilliseconds = 3_600_000;

/** How long a temporary cause blocks launches. After that, someone may have fixed it. */
const passingMilliseconds = 600_000;

/**
 * How long many failures of this kind block further launches: `hour` for a wrong setting, `minutes` for a temporary
 * cause or one that is fixed outside the stack, `never` for missing capacity, which is no fault of the launch.
 */
type Blocks = "hour" | "minutes" | "never";

/** A failed launch, with AWS's own text. */
export interface FailedLaunch {
  readonly at: Date;
  readonly kind: LaunchFailureKind;
  readonly message: string;
  readonly blocks: Blocks;
}

type Rule = readonly [LaunchFailureKind, Blocks, RegExp];

/**
 * The meaning of every known refusal; the first match counts. Only known settings are `configuration`. ECS's reasons
 * are in capitals, so that they match no other text.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
 */
const rules: readonly Rule[] = [
  // Image pulls and secrets first: their texts quote other services.
  ["quota", "minutes", /CannotPull.*(too ?many ?requests|\b429\b|rate limit|rate exceeded)/is],
  ["configuration", "hour", /(Cannot|ResourceInit).*(AccessDenied|not authorized|access denied|no basic auth)/is],
  ["configuration", "minutes", /CannotPull.*\bnot found\b/is],
  ["throttling", "minutes", /CannotPull.*(\b50[0-4]\b|\bEOF\b|connection reset|handshake timeout)/is],
  ["configuration", "minutes", /find the specified secret value|AWSCURRENT|unable to (pull|retrieve) secret/i],

  ["configuration", "hour", /AccessDenied|UnauthorizedOperation|not authorized|explicit deny|TagPolicyViolation/i],
  ["configuration", "hour", /Client\.InternalError|KMSKey|CustomerKeyHasBeenRevoked/i],
  ["configuration", "hour", /Client\.InstanceInitiatedShutdown/],

  ["quota", "never", /(?<!request ?|rate ?)limit ?exceeded|count ?exceeded|\bquotas?\b|above (your|max)\b/i],
  ["quota", "never", /reached (the|your) (limit|maximum)|maximum number of .*\breached|exceeds? (the|your) .*\blimit/i],
  ["quota", "never", /you have requested more|instance\(s\) are already running/i],

  [
    "capacity",
    "never",
    /capacity is (currently )?(un|not )available|unable to fulfill capacity|UnfulfillableCapacity/i,
  ],
  ["capacity", "never", /insufficient\w*capacity|(in|not |do not have |does not have )sufficient .*\bcapacity/i],
  ["capacity", "never", /no spot capacity|SpotMaxPriceTooLow|lower than the minimum required spot/i],
  ["capacity", "never", /SpotInstance(Termination|Shutdown)|spot interruption|reservation .*\bnot active yet/i],
  ["capacity", "never", /free ?(private )?(ip )?addresses|network interface|failed to configure ENI/i],
  ["capacity", "never", /\bRESOURCE:|EMPTY CAPACITY PROVIDER|NO ACTIVE INSTANCES|(^|:\s*)AGENT(?=$|:)|error "AGENT"/],
  ["capacity", "never", /no container instances? (were found|met)|insufficient (cpu|memory)|HostRequirements/i],

  ["throttling", "minutes", /throttl|rate (limit )?exceeded|request ?limit ?exceeded|too ?many ?requests|slow ?down/i],
  ["throttling", "minutes", /internal ?(server ?)?(error|failure)|service ?(is )?unavailable|unable to complete/i],
  ["throttling", "minutes", /unavailable, please try|try again (later|in a|shortly)|at this time/i],
  ["throttling", "minutes", /conflict|contention|in ?progress|concurrent|Idempotent/i],
  ["throttling", "minutes", /ExpiredToken|RequestExpired|security token|UnrecognizedClient|ClientToken|signature/i],
  ["throttling", "minutes", /AuthFailure|authentication failure|PendingVerification|InvalidInstanceID/i],

  ["configuration", "hour", /Cannot(Pull|Start|Create)\w*|ResourceInitializationError/],
  ["throttling", "minutes", /timed? ?out|connection reset|socket hang up/i],
  ["configuration", "hour", /(^|:\s*)(MISSING|INACTIVE|ATTRIBUTE|LOCATION)(?=$|\W)|placement constraint/],
  ["configuration", "hour", /invalid|malformed|validation ?(error|exception)|missing(parameter|action|version)/i],
  ["configuration", "hour", /(does|do) ?(no|')t exist|does not exist|not ?found|is inactive|may not be used with/i],
  ["configuration", "hour", /(is|are|currently) not supported|NotSupported|unsupported|incompatib|not compatible/i],
  ["configuration", "hour", /does not match the architecture|not supported for|Platform(Unknown|TaskDef)|InZone\b/i],
  ["configuration", "hour", /unable to assume|OptInRequired|accept terms|\bBlocked|currently blocked/i],
];

/** An unknown refusal: it may concern one placement only, so the launch is tried again, elsewhere first. */
const unknown: Pick<FailedLaunch, "kind" | "blocks"> = { kind: "capacity", blocks: "minutes" };

/** The meaning of AWS's text in an exception, a failure entry, a stopped task or a scaling activity. */
export function meaningOf(text: string): Pick<FailedLaunch, "kind" | "blocks"> {
  const rule = rules.find(([, , pattern]) => pattern.test(text));
  return rule ? { kind: rule[0], blocks: rule[1] } : unknown;
}

/** Whether an exception proves that AWS did nothing, in contrast to a failed or missing answer. */
export function isRefusal(error: unknown): boolean {
  return (error as { $fault?: unknown }).$fault === "client";
}

/** Classifies an exception of a launch call. If it is unknown whether AWS launched, the caller only tries again. */
export function classifyLaunchError(error: unknown): LaunchFailureKind {
  const { name = "", message = "" } = error as { name?: string; message?: string };
  return isRefusal(error) ? meaningOf(`${name}: ${message}`).kind : "throttling";
}

/**
 * The failures of the last hour that count towards the circuit. Temporary causes count only while the last one is
 * fresh: a fleet without image or secret tries again every ten minutes, and each failure makes the earlier ones count
 * again.
 */
export function countingLastHour<Failure extends FailedLaunch>(failures: readonly Failure[], now: Date): Failure[] {
  const hourAgo = now.getTime() - hourMilliseconds;
  const freshAfter = now.getTime() - passingMilliseconds;
  const lastHour = failures.filter(({ at }) => at.getTime() > hourAgo);
  const isPassingFresh = lastHour.some(({ at, blocks }) => blocks === "minutes" && at.getTime() > freshAfter);
  return lastHour.filter(({ blocks }) => blocks === "hour" || (blocks === "minutes" && isPassingFresh));
}

/** Groups failures with the same kind and message, with their number. */
export function tally(failures: readonly Omit<FailedLaunch, "at" | "blocks">[]): LaunchReport["failures"] {
  const counts = new Map<string, { kind: LaunchFailureKind; message: string; count: number }>();
  for (const { kind, message } of failures) {
    const key = `${kind}\n${message}`;
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { kind, message, count: 1 });
  }
  return [...counts.values()];
}

/** The failed launches of a reading. Missing capacity is no failure. */
export function toTell(
  failures: readonly Omit<FailedLaunch, "at">[],
): Pick<CapacityReading, "newLaunchFailures" | "newShortages"> {
  return {
    newLaunchFailures: tallyOrNone(failures.filter((failure) => !lacksRoom(failure))),
    newShortages: tallyOrNone(failures.filter(lacksRoom)),
  };
}

function tallyOrNone(failures: readonly Omit<FailedLaunch, "at">[]): LaunchReport["failures"] | undefined {
  return failures.length > 0 ? tally(failures) : undefined;
}

function lacksRoom({ kind, blocks }: Omit<FailedLaunch, "at">): boolean {
  return kind === "capacity" && blocks === "never";
}
