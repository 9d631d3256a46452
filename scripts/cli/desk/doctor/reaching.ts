import { ifKnown } from "../part.ts";
import { counted, duration } from "../words.ts";
import type { Finding } from "./finding.ts";
import type { View } from "./view.ts";

/** A few wrong signatures are strangers who knock. */
const unsignedLimit = 5;

/** Whether the vendor's messages get in. */
export function webhookFindings({ picture, name }: View): readonly Finding[] {
  const refusals = ifKnown(picture.webhook);
  if (!refusals) return [];
  const { vendor } = picture.stack.config;
  const isOnlySource = "demand" in vendor && vendor.demand === "notifications";
  const count = (...statuses: readonly string[]) => {
    const found = statuses.flatMap((status) => refusals.byStatus.get(status) ?? []);
    const addresses = new Set(found.flatMap((each) => [...each.addresses]));
    return { number: found.reduce((sum, each) => sum + each.count, 0), addresses: [...addresses] };
  };
  const evidence = ({ number, addresses }: ReturnType<typeof count>, answer: string) => [
    `${counted(number, "request was", "requests were")} answered with ${answer} in 15 minutes, from ${addresses.slice(0, 3).join(", ")}${addresses.length > 3 ? " and others" : ""}`,
  ];
  const severity = isOnlySource ? "error" : "warning";
  const found: Finding[] = [];
  const unsigned = count("401", "403");
  if (unsigned.number >= unsignedLimit) {
    const what = "The webhook refuses messages: they are unsigned, or signed with another key.";
    const todo = `If the addresses are the vendor's, set both sides to the same key: fleet secret set ${name} <name>`;
    found.push({
      id: "webhook-unsigned",
      severity,
      what,
      evidence: evidence(unsigned, "401"),
      todo,
      section: "webhook-refusing",
    });
  }
  const throttled = count("429");
  if (throttled.number > 0) {
    const what = "The webhook's throttle turns messages away.";
    const todo = "If it is the vendor, raise vendor.webhook.throttleRatePerSecond and throttleBurst, and deploy.";
    found.push({
      id: "webhook-throttled",
      severity,
      what,
      evidence: evidence(throttled, "429"),
      todo,
      section: "webhook-throttled",
    });
  }
  const failed = count("500", "502", "503", "504");
  if (failed.number > 0) {
    const what = "The webhook fails.";
    const todo = `Its secret may lack a value: fleet secret list ${name}. Its log: aws logs tail /aws/lambda/${name}-webhook`;
    found.push({
      id: "webhook-failing",
      severity,
      what,
      evidence: evidence(failed, "5xx"),
      todo,
      section: "webhook-failing",
    });
  }
  return found;
}

/** Whether alarms reach somebody. */
export function receiverFindings({ picture }: View): readonly Finding[] {
  const subscriptions = ifKnown(picture.subscriptions);
  if (subscriptions === undefined) return [];
  const { emails } = picture.stack.config.alarms;
  const found: Finding[] = subscriptions
    .filter(({ confirmed }) => !confirmed)
    .map(({ protocol, endpoint }) => ({
      id: "receiver-unconfirmed",
      severity: "warning",
      what: `${endpoint} has not confirmed that it wants the alarms, so it gets none.`,
      evidence: [`SNS: the subscription (${protocol}) is pending`],
      todo: "Open the mail of AWS Notifications and follow its link. It is valid for two days; after that, deploy again.",
    }));
  const gone = emails.filter((mail) => !subscriptions.some(({ endpoint }) => endpoint === mail));
  for (const mail of gone) {
    const what = `${mail} of the config gets no alarms: it has no subscription.`;
    const todo = "Somebody unsubscribed it, or the stack was not deployed since. Deploy the stack.";
    const evidence = ["SNS: the alarms' topic has no subscription with this address"];
    found.push({ id: "receiver-missing", severity: "warning", what, evidence, todo });
  }
  if (subscriptions.length === 0 && emails.length === 0) {
    const what = "Alarms reach nobody.";
    const todo = "Name somebody in alarms.emails or alarms.subscriptions of the config, and deploy.";
    found.push({
      id: "no-receivers",
      severity: "warning",
      what,
      evidence: ["SNS: the alarms' topic has no subscription"],
      todo,
    });
  }
  return found;
}

/** Alarms that are on and that no other finding explains, and alarms that tell nobody. */
export function alarmFindings(
  { picture, secondsSince, name }: View,
  explained: ReadonlySet<string>,
): readonly Finding[] {
  const alarms = ifKnown(picture.alarms);
  if (alarms === undefined) return [];
  if (alarms.length === 0) {
    const what = "The fleet has no alarms.";
    const todo = `Somebody deleted them. Deploy the stack: fleet deploy ${name}`;
    const evidence = [`CloudWatch knows no alarm ${name}-…`];
    return [{ id: "alarms-missing", severity: "warning", what, evidence, todo }];
  }
  const on = alarms.filter(({ state, section }) => state === "ALARM" && !explained.has(section));
  const mute = alarms.filter(({ tells }) => !tells);
  return [
    ...on.map(
      ({ name: alarm, since, reason, section }): Finding => ({
        id: "alarm-on",
        severity: "warning",
        what: `The alarm ${alarm} is on.`,
        evidence: [`${since ? `For ${duration(secondsSince(since))}: ` : ""}${reason}`],
        todo: "The runbook says what it means and what to do.",
        section,
      }),
    ),
    ...(mute.length > 0
      ? [
          {
            id: "alarm-mute",
            severity: "warning" as const,
            what: `${counted(mute.length, "alarm tells", "alarms tell")} nobody.`,
            evidence: [`Without actions: ${mute.map((alarm) => alarm.name).join(", ")}`],
            todo: `Enable their actions: aws cloudwatch enable-alarm-actions --alarm-names ${mute.map((alarm) => `${name}-${alarm.name}`).join(" ")}`,
          },
        ]
      : []),
  ];
}
