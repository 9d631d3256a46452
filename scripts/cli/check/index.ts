import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import type { Finding } from "../desk/doctor/finding.ts";
import { bySeverity, couldNotLook } from "../desk/doctor/finding.ts";
import { ifKnown } from "../desk/part.ts";
import { explain } from "../lib/errors.ts";
import { containerFindings } from "./containers.ts";
import { imageFindings } from "./images.ts";
import { typeFindings } from "./instance-types.ts";
import { networkFindings } from "./network.ts";
import { quotaFindings } from "./quotas.ts";
import { readSecrets, secretFindings } from "./secrets.ts";
import { type CheckDeps, isDeployed, type Outcome, type Subject } from "./subject.ts";
import { vendorFindings } from "./vendor.ts";
import { webhookFindings } from "./webhook.ts";

export { checkClientsIn, type Outcome, type Subject } from "./subject.ts";

/**
 * All that is wrong with an account for the stacks of one region together.
 *
 * @returns also the account's number. `undefined`: there is no account to look at, and a finding says why
 */
export async function checkRegion(
  region: string,
  subjects: readonly Subject[],
  deps: CheckDeps,
): Promise<{ readonly account: string | undefined; readonly findings: readonly Finding[] }> {
  let account: string | undefined;
  try {
    account = (await deps.clients.sts.send(new GetCallerIdentityCommand({}))).Account;
  } catch (error) {
    const { error: why, hint } = explain(error);
    const what = "Nothing of the account could be looked at.";
    const todo = `${hint} With --offline only the files are checked.`;
    return { account, findings: [{ id: "no-account", severity: "error", what, evidence: [why], todo }] };
  }
  return { account, findings: bySeverity(await quotaFindings(region, subjects, deps)) };
}

/**
 * All that is wrong with one stack, as far as the account and the vendor say.
 *
 * @param step hears which parts are looked at next
 */
export async function checkStack(
  subject: Subject,
  deps: CheckDeps,
  step: (part: string) => void = () => {},
): Promise<Outcome> {
  const { clients } = deps;
  const { kind } = subject.stack.config;
  const isFleet = kind === "ecs-fleet" || kind === "ec2-fleet";
  if (isFleet) step("secrets");
  const deployed = isFleet ? await isDeployed(subject, clients) : undefined;
  const secrets = await readSecrets(subject, deps);
  step(isFleet ? "vendor, images, network, instance types, webhook" : "images, network, instance types");
  const [vendor, containers, ...lists] = await Promise.all([
    vendorFindings(subject, secrets, deps),
    containerFindings(subject, clients),
    networkFindings(subject, clients),
    typeFindings(subject, clients),
    imageFindings(subject, clients),
    webhookFindings(subject, deps),
  ]);
  const findings = [
    ...(deployed?.known === false ? [couldNotLook("whether the stack is deployed", deployed.why, deployed.todo)] : []),
    ...secretFindings(secrets, subject, (deployed && ifKnown(deployed)) ?? false),
    ...vendor.findings,
    ...containers.findings,
    ...lists.flat(),
  ];
  return { findings: bySeverity(findings), notes: [...vendor.notes, ...containers.notes, ...buildNotes(subject)] };
}

/** CodeBuild has no API for what an account may build. */
function buildNotes({ made }: Subject): readonly string[] {
  if (made.resources("aws_codebuild_project").size === 0) return [];
  return ["Whether CodeBuild may build: some new accounts may run no build, and no API says so."];
}
