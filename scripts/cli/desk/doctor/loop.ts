import { onlyWakes, secretsOf } from "../../lib/stack-secrets.ts";
import type { TroubleLine } from "../log-lines.ts";
import { ifKnown } from "../part.ts";
import { unusablePools } from "../status.ts";
import { clockTime, duration } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** Longest time between two renewals of the lease by a pass that works. */
const renewalSeconds = 75;
/** A failure counts for so long. */
const failureSeconds = 300;
/** A fleet that was deployed so shortly ago may not have decided yet. */
const newSeconds = 180;

/** Why the loop does not run, or does not get its work done. */
export function loopFindings(view: View): readonly Finding[] {
  const ages = agesOf(view);
  const stopped = stopsOf(view).map((stop) => ({ ...stop, evidence: [...stop.evidence, ...ages] }));
  const failing = failuresOf(view);
  const silent = stopped.length + failing.length > 0 ? [] : silences(view);
  return [...stopped, ...failing, ...silent, ...leases(view), ...emptySecrets(view)];
}

function stopsOf({ picture, name }: View): Finding[] {
  const found: Finding[] = [];
  const section = "loop-silent";
  const schedule = ifKnown(picture.schedule);
  const deploy = `Deploy the stack: fleet deploy ${name}`;
  if (schedule?.state === "missing") {
    const what = "The schedule that runs the loop every minute does not exist.";
    const evidence = [`EventBridge knows no rule ${schedule.rule}`];
    found.push({ id: "schedule-missing", severity: "error", what, evidence, todo: deploy, section });
  } else if (schedule?.state === "disabled") {
    const what = "The schedule that runs the loop every minute is disabled.";
    const todo = `Enable it: aws events enable-rule --name ${schedule.rule}`;
    const evidence = [`EventBridge: the rule ${schedule.rule} is DISABLED`];
    found.push({ id: "schedule-disabled", severity: "error", what, evidence, todo, section });
  } else if (schedule && !schedule.callsLoop) {
    const what = "The schedule does not call the loop.";
    const evidence = [`The rule ${schedule.rule} has no target ${name}-autoscale`];
    found.push({ id: "schedule-without-loop", severity: "error", what, evidence, todo: deploy, section });
  }
  if (ifKnown(picture.concurrency) === 0) {
    const what = "The loop may not run: its reserved concurrency is 0.";
    const evidence = [`Lambda: ${name}-autoscale has ReservedConcurrentExecutions 0`];
    const todo = `Remove it: aws lambda delete-function-concurrency --function-name ${name}-autoscale`;
    found.push({ id: "loop-without-concurrency", severity: "error", what, evidence, todo, section });
  }
  const trouble = ifKnown(picture.deployed)?.trouble;
  if (trouble !== undefined) {
    const what = "Lambda cannot run the loop's function.";
    found.push({ id: "loop-broken", severity: "error", what, evidence: [`Lambda: ${trouble}`], todo: deploy, section });
  }
  return found;
}

/** The last pass failed, or several of the last minutes did. */
function failuresOf(view: View): Finding[] {
  const { picture, pools, secondsSince } = view;
  const errors = (ifKnown(picture.log)?.troubles ?? []).filter(
    (trouble) =>
      trouble.level === "ERROR" && secondsSince(trouble.at) <= failureSeconds && !isAboutBadRows(trouble, picture),
  );
  const [newest] = errors;
  const decided = Math.max(0, ...pools.map(({ last }) => last?.at.getTime() ?? 0));
  if (newest === undefined || (newest.at.getTime() < decided && errors.length < 3)) return [];
  const said = newest.errors.length > 0 ? newest.errors.map(({ name, message }) => `${name}: ${message}`) : [];
  const evidence = [`The loop's log at ${clockTime(newest.at)}: ${newest.message}`, ...said];
  return [{ ...meaningOf(newest, view), severity: "error", evidence }];
}

/** Whether the loop complains of rows alone that have a finding of their own. */
function isAboutBadRows({ errors }: TroubleLine, picture: View["picture"]): boolean {
  const causes = errors.filter(({ name }) => name !== "AggregateError");
  const isBadRow = causes.every(({ message }) => message.includes("cannot be used, so its agents stay as they are"));
  return causes.length > 0 && isBadRow && unusablePools(picture).length > 0;
}

function meaningOf({ errors, message }: TroubleLine, { name }: View): Omit<Finding, "severity" | "evidence"> {
  const section = "loop-failing";
  const kinds = new Set(errors.map(({ kind }) => kind));
  const text = errors.map((error) => error.message).join("\n");
  if (errors.some((error) => error.name === "SecretUnavailableError")) {
    const what = "The loop fails: a secret that it needs has no value or cannot be read.";
    const todo = `See which: fleet secret list ${name}. Set it: fleet secret set ${name} <name>`;
    return { id: "secret-unreadable", what, todo, section };
  }
  if (kinds.has("unauthorized")) {
    const what = "The vendor refuses the loop's token: it has expired, was revoked or lacks rights.";
    const todo = `Make a new token at the vendor and set it: fleet secret set ${name} <name>. No deploy is needed.`;
    return { id: "token-refused", what, todo, section };
  }
  if (kinds.has("misconfigured") || (kinds.has("not-found") && /pool|queue/i.test(text))) {
    const what = "The vendor does not know the pool of the config, or knows it by another name or id.";
    const todo = `Correct vendor in the config and deploy: fleet deploy ${name}. A token may also lack the right to see the pool.`;
    return { id: "wrong-pool", what, todo, section };
  }
  if (["unavailable", "timeout", "rate-limited", "malformed"].some((kind) => kinds.has(kind))) {
    const what = "The loop gets no usable answer from the vendor.";
    const todo =
      "Look at the vendor's status page, then at the way from the function to it. The next pass tries again.";
    return { id: "vendor-unreachable", what, todo, section: "vendor-api-errors" };
  }
  if (/agents cannot launch/.test(text)) {
    const what = "AWS refuses to launch agents because of a setting.";
    return { id: "launch-refused", what, todo: "Correct the setting that AWS names, and deploy.", section };
  }
  const isPlatform = message.startsWith("Lambda: ");
  const what = isPlatform ? "Lambda cut the loop off, or could not begin it." : "The loop fails.";
  return { id: "loop-failing", what, todo: `Read its log: fleet logs ${name} --loop`, section };
}

/** How old the last decisions are, if they are too old. */
function agesOf({ late }: Pick<View, "late">): readonly string[] {
  return late.map(({ poolName, seconds }) => {
    if (seconds === null) return `${poolName}: no decision in the log of a day`;
    return `${poolName}: the last decision is ${duration(seconds)} old`;
  });
}

function silences(view: View): Finding[] {
  const { picture, name, secondsSince } = view;
  const explained = new Set(unusablePools(picture).map(({ poolName }) => poolName));
  const late = view.late.filter(({ poolName }) => !explained.has(poolName));
  if (late.length === 0) return [];
  const changedAt = ifKnown(picture.deployed)?.changedAt;
  const isNew = changedAt !== undefined && secondsSince(changedAt) < newSeconds && late.every((pool) => !pool.seconds);
  return [
    {
      id: "loop-silent",
      severity: isNew ? "warning" : "error",
      what: isNew ? "The loop has not decided yet." : "The loop does not decide.",
      evidence: agesOf({ late }),
      todo: isNew
        ? "It was deployed minutes ago. Look again in two minutes."
        : `Read its log: fleet logs ${name} --loop. Has the account run out of Lambda concurrency?`,
      section: "loop-silent",
    },
  ];
}

function leases({ picture, late, secondsSince }: View): Finding[] {
  const lease = ifKnown(picture.state)?.lease;
  if (lease === undefined || secondsSince(lease.renewedAt) <= renewalSeconds) return [];
  const left = (lease.until.getTime() - picture.at.getTime()) / 1000;
  const end =
    left > 0 ? `it ends in ${duration(left)}` : `it ended ${duration(-left)} ago, and no pass has taken it since`;
  return [
    {
      id: "lease-of-a-dead-pass",
      severity: late.length > 0 ? "error" : "warning",
      what: "A pass of the loop was cut off and left its lease behind.",
      evidence: [`The lease of ${lease.owner} was last renewed ${duration(secondsSince(lease.renewedAt))} ago; ${end}`],
      todo: "Wait two minutes: the lease ends by itself. If this comes back, the function runs into its time limit.",
      section: "loop-silent",
    },
  ];
}

function emptySecrets({ picture, name }: View): Finding[] {
  const needless = secretsOf(picture.stack).filter((source) => onlyWakes(source, picture.stack));
  const wakers = new Set(needless.map(({ facts }) => facts.name));
  return picture.secrets.flatMap(({ secret, exists, has_value: value, deletion, text }): Finding[] => {
    if (exists !== true || value !== false) return [];
    const wakes = wakers.has(secret);
    const missing = `The secret ${secret} has no value${wakes ? ", so the webhook lets nobody in" : ""}.`;
    const what = deletion ? `AWS is about to delete the secret ${secret}.` : missing;
    const todo = deletion
      ? `Restore it: aws secretsmanager restore-secret --secret-id agent-fleets/${name}/${secret}`
      : `Give it one: ${text.replace(/^none: /, "")}`;
    const section = wakes ? "webhook-refusing" : "loop-failing";
    const severity = wakes ? "warning" : "error";
    const seen = deletion ? text : "AWS has the secret, without a value";
    return [{ id: "secret-empty", severity, what, evidence: [`${secret}: ${seen}`], todo, section }];
  });
}
