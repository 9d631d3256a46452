import type { LaunchFailureKind } from "../../../../handlers/lib/core/ports.ts";
import { ifKnown } from "../part.ts";
import { clockTime, counted } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** A failure of a launch, from AWS itself or from the loop's log. */
interface Failure {
  readonly at: Date;
  readonly kind: string;
  readonly text: string;
  readonly machine?: { readonly id: string; readonly poolName: string } | undefined;
}

/** What a failure means to an operator. */
interface Meaning extends Pick<Finding, "id" | "what" | "todo"> {
  readonly matches: RegExp;
}

/** While jobs wait, the failures of an hour count, else those of the last minutes. */
const hourSeconds = 3600;
const freshSeconds = 900;
/** The log's lines about launches that AWS refused, at once or later. */
const launchLines = new Set([
  "launch failed",
  "a launch failed after AWS had accepted it",
  "AWS has no room for agents",
]);

const meanings: readonly Meaning[] = [
  {
    id: "never-registered",
    matches: /did not register in time|never registered|NeverRegistered/i,
    what: "Agents start and never register with the vendor.",
    todo: "Their log says why: the agents' token has expired or is of another pool, or they cannot reach the vendor.",
  },
  {
    id: "pull-limit",
    matches: /CannotPull.*(too ?many ?requests|\b429\b|rate limit|rate exceeded)/is,
    what: "A registry limits the pulls of the agents' image.",
    todo: "docs/container-images.md#docker-hub has the ways around a limit of pulls.",
  },
  {
    id: "image-missing",
    matches: /CannotPull.*(not found|manifest unknown|does not exist)/is,
    what: "The agents' image does not exist.",
    todo: "Correct compute.image and deploy, or build it: fleet image build <stack>",
  },
  {
    id: "secret-empty-at-launch",
    matches: /find the specified secret value|AWSCURRENT|unable to (pull|retrieve) secret/i,
    what: "A secret that agents need has no value.",
    todo: "See which: fleet secret list <stack>",
  },
  {
    id: "subnet-full",
    matches: /free ?(private )?(ip )?addresses|InsufficientFreeAddresses|configure ENI/i,
    what: "A subnet has no free addresses for agents.",
    todo: "Give the fleet more or larger subnets (network in the config), or lower agents.max.",
  },
  {
    id: "hosts-full",
    matches: /\bRESOURCE:|EMPTY CAPACITY PROVIDER|NO ACTIVE INSTANCES|no container instances? met/i,
    what: "The hosts of the cluster have no room for agents, or there are none.",
    todo: "Let the cluster's group grow: hosts.max of its config.",
  },
  {
    id: "launch-suspended",
    matches: /process Launch is suspended/i,
    what: "The group launches nothing: its process Launch is suspended.",
    todo: "Mend the cause, then: aws autoscaling resume-processes --auto-scaling-group-name <stack> --scaling-processes Launch",
  },
];

const byKind: Readonly<Record<LaunchFailureKind, Omit<Meaning, "matches">>> = {
  capacity: {
    id: "no-capacity",
    what: "AWS has no capacity for agents.",
    todo: "Name more zones, more instance types, or On-Demand besides Spot. The loop tries again by itself.",
  },
  quota: {
    id: "quota",
    what: "A quota of the account stops launches.",
    todo: "Ask AWS for more: Service Quotas, Fargate or EC2 vCPUs in this region.",
  },
  throttling: {
    id: "throttled",
    what: "AWS is busy or throttles launches.",
    todo: "Wait: the loop tries again. If it lasts, see AWS's status page.",
  },
  configuration: {
    id: "launch-configuration",
    what: "AWS refuses launches, or ends them, because of a setting.",
    todo: "Correct the setting that AWS names, and deploy.",
  },
};

/** Why agents do not come. */
export function launchFindings(view: View): readonly Finding[] {
  const { picture, jobsWait, secondsSince, name } = view;
  const open = circuits(view);
  const isUrgent = jobsWait || open.length > 0;
  const failures = failuresOf(view).filter(({ at }) => secondsSince(at) <= (isUrgent ? hourSeconds : freshSeconds));
  const groups = new Map<string, { meaning: Omit<Meaning, "matches">; failures: Failure[] }>();
  for (const failure of failures) {
    const meaning = meaningOf(failure);
    const group = groups.get(meaning.id);
    if (group) group.failures.push(failure);
    else groups.set(meaning.id, { meaning, failures: [failure] });
  }
  const found = [...groups.values()].map(
    ({ meaning, failures: all }): Finding => ({
      id: meaning.id,
      severity: isUrgent ? "error" : "warning",
      what: meaning.what,
      evidence: evidenceOf(all),
      todo: meaning.todo.replaceAll("<stack>", name),
      section: "launch-failures",
      machines: meaning.id === "never-registered" ? all.flatMap(({ machine }) => machine ?? []) : undefined,
    }),
  );
  return [...open, ...found, ...suspensions(view), ...brokenImages(picture.images, name)];
}

/** The last texts, each once, with how often AWS said it. */
function evidenceOf(failures: readonly Failure[]): string[] {
  const texts = new Map<string, { last: Date; count: number }>();
  for (const { text, at } of failures) {
    const known = texts.get(text);
    texts.set(text, { last: known && known.last > at ? known.last : at, count: (known?.count ?? 0) + 1 });
  }
  return [...texts]
    .sort(([, a], [, b]) => b.last.getTime() - a.last.getTime())
    .slice(0, 3)
    .map(([text, { last, count }]) => `${counted(count, "time", "times")}, last at ${clockTime(last)}: ${text}`);
}

function meaningOf({ kind, text }: Failure): Omit<Meaning, "matches"> {
  const special = meanings.find(({ matches }) => matches.test(text));
  return special ?? byKind[kind in byKind ? (kind as LaunchFailureKind) : "configuration"];
}

/** AWS shows most failures itself. A refusal at once is in the loop's log alone. */
function failuresOf({ picture }: View): readonly Failure[] {
  const shown = (ifKnown(picture.capacities) ?? []).flatMap(({ poolName, failures }) =>
    failures.map(({ at, kind, message, id }) => ({
      at,
      kind,
      text: message,
      machine: id ? { id, poolName } : undefined,
    })),
  );
  const known = new Set(shown.map(({ text }) => text));
  const logged = (ifKnown(picture.log)?.troubles ?? []).flatMap(({ at, message, kind, detail }) =>
    launchLines.has(message) && kind && detail && !known.has(detail) ? [{ at, kind, text: detail }] : [],
  );
  return [...shown, ...logged];
}

function circuits({ picture, pools }: View): Finding[] {
  const memories = ifKnown(picture.state)?.memories;
  return pools.flatMap(({ poolName, last }): Finding[] => {
    const since = memories?.get(poolName)?.circuit.openSince;
    if (since === undefined) return [];
    return [
      {
        id: "circuit-open",
        severity: "error",
        what: `Too many launches failed, so the loop only tries one now and then (${poolName}).`,
        evidence: [
          `The circuit is open since ${since.toISOString()}`,
          ...(last ? [`Last decision: ${last.reason}`] : []),
        ],
        todo: "Mend what the failed launches below name. The circuit closes as soon as a launch works.",
        section: "circuit-open",
      },
    ];
  });
}

/** The stack itself suspends AZRebalance, and what the config asks for. */
function suspensions({ picture }: View): Finding[] {
  const { config } = picture.stack;
  const meant = new Set<string>([
    "AZRebalance",
    ...(config.kind === "ec2-fleet" ? config.compute.suspendedProcesses : []),
  ]);
  return (ifKnown(picture.capacities) ?? []).flatMap(({ suspended }) =>
    suspended
      .filter(({ process }) => !meant.has(process))
      .map(({ group, process, reason }): Finding => {
        const what = `The process ${process} of the group ${group} is suspended.`;
        const todo = `If nobody wants that any more: aws autoscaling resume-processes --auto-scaling-group-name ${group} --scaling-processes ${process}`;
        const severity = process === "Launch" || process === "Terminate" ? "error" : "warning";
        const evidence = [reason || "AWS gives no reason"];
        return { id: "process-suspended", severity, what, evidence, todo, section: "launch-failures" };
      }),
  );
}

function brokenImages(images: View["picture"]["images"], name: string): Finding[] {
  return (ifKnown(images) ?? []).flatMap(({ poolName, name: image, why }): Finding[] => {
    if (why !== "there is no such image") return [];
    const todo = `Build it: fleet image build ${name}. Or correct compute.image and deploy.`;
    const what = `The image of ${poolName} does not exist, so no agent can start.`;
    return [
      { id: "image-missing", severity: "error", what, evidence: [`ECR has no ${image}`], todo, section: "no-agents" },
    ];
  });
}
