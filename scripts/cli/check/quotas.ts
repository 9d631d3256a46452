import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeAddressesCommand, DescribeVpcsCommand, type Tag } from "@aws-sdk/client-ec2";
import { GetAccountSettingsCommand } from "@aws-sdk/client-lambda";
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  NoSuchResourceException,
  type ServiceQuota,
} from "@aws-sdk/client-service-quotas";
import { fleetTag } from "../../../stacks/config/names.ts";
import { couldNotLook, type Finding } from "../desk/doctor/finding.ts";
import { ifKnown } from "../desk/part.ts";
import { counted } from "../desk/words.ts";
import { describeTypes } from "./instance-types.ts";
import { familyOf, fargateNeeds, instanceNeeds, type VcpuNeed } from "./needs.ts";
import { type CheckDeps, isDeployed, looking, type Subject } from "./subject.ts";

const increase = (service: string, code: string, region: string, amount: number) =>
  `Ask AWS for more: aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${Math.ceil(amount)} --region ${region}`;

/**
 * Whether the account's quotas suffice for all stacks of a region together. Stacks that are deployed have their share of
 * what is in use already.
 */
export async function quotaFindings(
  region: string,
  subjects: readonly Subject[],
  deps: CheckDeps,
): Promise<readonly Finding[]> {
  const needs = looking("the quotas for vCPU", ["servicequotas:GetServiceQuota"], () => vcpus(region, subjects, deps));
  const lists = await Promise.all([
    needs,
    looking("the elastic IPs", ["ec2:DescribeAddresses", "servicequotas:GetServiceQuota"], () =>
      addresses(region, subjects, deps),
    ),
    looking("the VPCs", ["ec2:DescribeVpcs", "servicequotas:GetServiceQuota"], () => vpcs(region, subjects, deps)),
    looking("Lambda's concurrency", ["lambda:GetAccountSettings"], () => concurrency(region, subjects, deps)),
  ]);
  return lists.flat();
}

interface Sum extends VcpuNeed {
  /** The part of stacks that are not deployed. */
  readonly added: number;
}

async function vcpus(region: string, subjects: readonly Subject[], deps: CheckDeps): Promise<readonly Finding[]> {
  const sums = new Map<string, Sum>();
  const strange = new Set<string>();
  for (const subject of subjects) {
    const { config } = subject.stack;
    const infos = await describeTypes(config, deps.clients);
    for (const { InstanceType: type = "" } of infos) if (!familyOf(type)) strange.add(type);
    const needs = [...fargateNeeds(config), ...instanceNeeds(config, infos)];
    if (needs.length === 0) continue;
    // A cluster has no loop: its running hosts count as those of others.
    const deployed = ifKnown(await isDeployed(subject, deps.clients)) ?? false;
    for (const need of needs) {
      const known = sums.get(need.code) ?? { ...need, amount: 0, added: 0, one: 0 };
      const one = Math.max(known.one, need.one);
      const added = known.added + (deployed ? 0 : need.amount);
      sums.set(need.code, { ...known, amount: known.amount + need.amount, added, one });
    }
  }
  const lists = await Promise.all(
    [...sums.values()].map((need) =>
      looking(`the quota ${need.name}`, ["servicequotas:GetServiceQuota", "cloudwatch:GetMetricStatistics"], () =>
        vcpuFinding(region, need, deps),
      ),
    ),
  );
  const unknown = [...strange].map((type) =>
    couldNotLook(
      `the vCPU quota of ${type}`,
      "fleet knows no quota of its family",
      "Look for it in the console of Service Quotas.",
    ),
  );
  return [...lists.flat(), ...unknown];
}

async function vcpuFinding(region: string, need: Sum, { clients, context }: CheckDeps): Promise<readonly Finding[]> {
  const { service, code, name, amount, one, keys, added } = need;
  const quota = await readQuota(service, code, clients);
  const limit = limitOf(quota);
  const used = await readUse(quota, context.clock.now(), clients);
  const evidence = [
    `Service Quotas: ${name} (${code}) is ${limit} in ${region}, and ${used} are in use`,
    `The config may ask for ${amount} (${keys})`,
  ];
  const todo = `${increase(service, code, region, used + added > amount ? used + added : amount)}. Or lower what the config asks for.`;
  if (limit < one) {
    const what = `No agent can start: one needs ${one} vCPU, and the quota is ${limit}.`;
    return [{ id: "quota-too-small", severity: "error", what, evidence, todo }];
  }
  if (limit < amount) {
    const what = `The quota is too small for all agents at once: jobs wait while ${Math.floor(limit / one)} or so run.`;
    return [{ id: "quota-too-small", severity: "warning", what, evidence, todo }];
  }
  if (limit - used < added) {
    const what = "Others use so much of the quota that not all agents can run at once.";
    return [{ id: "quota-in-use", severity: "warning", what, evidence, todo }];
  }
  return [];
}

async function addresses(region: string, subjects: readonly Subject[], deps: CheckDeps): Promise<readonly Finding[]> {
  const wanted = countOf(subjects, "aws_eip");
  if (wanted.size === 0) return [];
  const { Addresses = [] } = await deps.clients.ec2.send(new DescribeAddressesCommand({}));
  return placeFor("elastic IP", "elastic IPs", {
    region,
    wanted,
    deps,
    there: Addresses,
    service: "ec2",
    code: "L-0263D0A3",
  });
}

async function vpcs(region: string, subjects: readonly Subject[], deps: CheckDeps): Promise<readonly Finding[]> {
  const wanted = countOf(subjects, "aws_vpc");
  if (wanted.size === 0) return [];
  const there: { readonly Tags?: Tag[] | undefined }[] = [];
  let NextToken: string | undefined;
  do {
    const page = await deps.clients.ec2.send(new DescribeVpcsCommand({ NextToken }));
    there.push(...(page.Vpcs ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return placeFor("VPC", "VPCs", { region, wanted, deps, there, service: "vpc", code: "L-F678F1CE" });
}

/** By stack: how many resources of a type it makes. */
function countOf(subjects: readonly Subject[], type: string): ReadonlyMap<string, number> {
  return new Map(
    subjects.flatMap(({ stack, made }) => {
      const count = made.resources(type).size;
      return count > 0 ? [[stack.name, count] as const] : [];
    }),
  );
}

/** Without room for them the deploy fails. Those that a stack has already are not counted twice. */
async function placeFor(
  one: string,
  many: string,
  {
    region,
    wanted,
    there,
    service,
    code,
    deps,
  }: {
    readonly region: string;
    readonly wanted: ReadonlyMap<string, number>;
    readonly there: readonly { readonly Tags?: Tag[] | undefined }[];
    readonly service: string;
    readonly code: string;
    readonly deps: CheckDeps;
  },
): Promise<readonly Finding[]> {
  const limit = limitOf(await readQuota(service, code, deps.clients));
  const own = (stack: string) =>
    there.filter(({ Tags = [] }) => Tags.some(({ Key, Value }) => Key === fleetTag && Value === stack)).length;
  const missing = [...wanted].reduce((sum, [stack, count]) => sum + Math.max(0, count - own(stack)), 0);
  if (missing === 0 || there.length + missing <= limit) return [];
  return [
    {
      id: "quota-full",
      severity: "error",
      what: `The deploy fails: ${counted(missing, `${one} is`, `${many} are`)} to be made, and there is room for ${Math.max(0, limit - there.length)}.`,
      evidence: [
        `Service Quotas: ${many} (${code}): ${limit} in ${region}, and ${there.length} exist`,
        `Made by ${[...wanted.keys()].join(", ")}`,
      ],
      todo: `${increase(service, code, region, there.length + missing)}. Or share a network: docs/network.md#sharing-a-network`,
    },
  ];
}

async function concurrency(
  region: string,
  subjects: readonly Subject[],
  { clients }: CheckDeps,
): Promise<readonly Finding[]> {
  const loops = subjects.filter(({ stack: { config } }) => config.kind === "ecs-fleet" || config.kind === "ec2-fleet");
  if (loops.length === 0) return [];
  const { AccountLimit } = await clients.lambda.send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: limit, UnreservedConcurrentExecutions: free } = AccountLimit ?? {};
  if (limit === undefined || free === undefined) throw new Error("Lambda's answer has no limits");
  // A pass runs for seconds. The schedule or a webhook may call meanwhile, and that call leaves at once.
  const wanted = 2 * loops.length;
  if (free > wanted) return [];
  const isTooFew = free < 2;
  return [
    {
      id: "lambda-concurrency",
      severity: isTooFew ? "error" : "warning",
      what: isTooFew
        ? "Lambda has no room for a loop."
        : "Lambda has little room: the loops alone may take all of it, and nothing is left for webhooks and retirements.",
      evidence: [
        `Lambda: ${limit} executions at once in ${region}, ${free} of them not reserved by other functions`,
        `${counted(loops.length, "loop takes", "loops take")} up to ${wanted}`,
      ],
      todo: increase("lambda", "L-B99A9384", region, 1000),
    },
  ];
}

/** The account's own value, else AWS's default, which AWS answers for quotas that nobody has ever changed. */
async function readQuota(
  ServiceCode: string,
  QuotaCode: string,
  { quotas }: Pick<CheckDeps["clients"], "quotas">,
): Promise<ServiceQuota> {
  const asked = { ServiceCode, QuotaCode };
  try {
    return (await quotas.send(new GetServiceQuotaCommand(asked))).Quota ?? {};
  } catch (error) {
    if (!(error instanceof NoSuchResourceException)) throw error;
    return (await quotas.send(new GetAWSDefaultServiceQuotaCommand(asked))).Quota ?? {};
  }
}

function limitOf({ Value, QuotaCode }: ServiceQuota): number {
  if (Value === undefined) throw new Error(`Service Quotas gives no value for ${QuotaCode ?? "the quota"}`);
  return Value;
}

/**
 * The most that was in use in the last quarter of an hour, by the metric that the quota itself names. A metric without
 * data means that nothing is in use (assumed).
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_MetricInfo.html
 */
async function readUse(
  { UsageMetric: metric }: ServiceQuota,
  now: Date,
  { cloudwatch }: Pick<CheckDeps["clients"], "cloudwatch">,
): Promise<number> {
  if (!metric?.MetricName) return 0;
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: metric.MetricNamespace,
      MetricName: metric.MetricName,
      Dimensions: Object.entries(metric.MetricDimensions ?? {}).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(now.getTime() - 15 * 60_000),
      EndTime: now,
      Period: 300,
      Statistics: ["Maximum"],
    }),
  );
  return Math.max(0, ...Datapoints.map(({ Maximum = 0 }) => Maximum));
}
