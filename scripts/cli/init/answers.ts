import * as z from "zod";
import { alarms } from "../../../stacks/config/alarms.ts";
import { cloud, s3 } from "../../../stacks/config/backend.ts";
import { stackName } from "../../../stacks/config/names.ts";
import { given } from "../../../stacks/config/network/network.ts";
import { regionName } from "../../../stacks/config/primitives.ts";
import type { StarterAnswers, StarterNetwork, StarterPlace } from "../../../stacks/config/starter.ts";
import type { Starter } from "../../../stacks/config/vendors/definition.ts";
import { vendors } from "../../../stacks/config/vendors/index.ts";
import type { Questions } from "./questions.ts";

/** The names that `--vendor` takes. */
export const vendorNames = Object.keys(vendors) as readonly (keyof typeof vendors)[];

/** The values of `--kind`, with what they mean. */
export const kinds = [
  { value: "fleet", label: "a fleet of agents" },
  { value: "network", label: "a network that several stacks share" },
  { value: "ecs-cluster", label: "an ECS cluster on EC2 hosts, for services and fleets" },
];

/** The values of `--network`, with what they mean. */
export const networks = [
  { value: "create", label: "a VPC of the stack's own, with a NAT gateway, which costs money all the time" },
  { value: "subnets", label: "existing subnets" },
  { value: "stack", label: "the network of a stack of kind network" },
];

/** One more value of `--network`, for fleets of tasks. */
export const onCluster = { value: "cluster", label: "the hosts of a stack of kind ecs-cluster, in place of Fargate" };

/** The values of `--backend`, with what they mean. */
export const backends = [
  { value: "local", label: "a file of this machine, for a trial" },
  { value: "s3", label: "an S3 bucket" },
  { value: "cloud", label: "a workspace of HCP Terraform or Terraform Enterprise" },
];

const publicSubnets = [
  { value: "no", label: "no, they reach the internet through a NAT gateway or a proxy" },
  { value: "yes", label: "yes, so each agent gets a public IP" },
];

/** The name of the new stack. */
export function askStack(questions: Questions): Promise<string> {
  return questions.ask({ flag: "<stack>", message: "Name of the stack, such as ci-agents", checker: stackName });
}

/**
 * Asks for all that the config of a stack needs. Throws with all that is missing or wrong.
 *
 * @param isNeighbour whether a stack's config is in the folder of the new one
 */
export async function askStarter(
  questions: Questions,
  stack: string,
  isNeighbour: (stack: string) => boolean,
): Promise<StarterAnswers> {
  // Only fleets have a vendor.
  const kind = questions.isGiven("--vendor") && !questions.isGiven("--kind") ? "fleet" : await askKind(questions);
  if (kind !== "network" && kind !== "ecs-cluster") return askFleet(questions, stack, isNeighbour);
  const region = await askRegion(questions);
  if (kind === "network") {
    const backend = await askBackend(questions, stack);
    questions.finish();
    return { kind, region, backend };
  }
  const network = await askNetwork(questions, isNeighbour);
  const backend = await askBackend(questions, stack);
  const emails = await askEmails(questions);
  questions.finish();
  return { kind, region, network, backend, emails };
}

function askKind(questions: Questions): Promise<string> {
  return questions.choose("--kind", "What to make", kinds, "fleet");
}

function askRegion(questions: Questions): Promise<string> {
  return questions.ask({ flag: "--region", message: "AWS region, such as us-west-2", checker: regionName });
}

async function askEmails(questions: Questions): Promise<string[]> {
  const emails = await questions.ask({
    flag: "--emails",
    message: "Mail addresses for alarms, with commas between them (empty: nobody)",
    checker: alarms.shape.emails,
    value: listOf,
    optional: true,
  });
  return listOf(emails);
}

async function askFleet(
  questions: Questions,
  stack: string,
  isNeighbour: (stack: string) => boolean,
): Promise<StarterAnswers> {
  const choices = vendorNames.map((value) => {
    const description = vendors[value].schema.shape.type.description ?? value;
    return { value, label: description.replace(/\.$/, "") };
  });
  const type = await questions.choose("--vendor", "Vendor", choices);
  const known = vendorNames.find((name) => name === type);
  const vendor = known ? await askVendor(questions, known) : {};
  const region = await askRegion(questions);
  const place = await askPlace(questions, known, isNeighbour);
  const backend = await askBackend(questions, stack);
  const emails = await askEmails(questions);
  questions.finish();
  if (!known) throw new Error(`no vendor ${type}`);
  return { kind: vendors[known].kind, region, vendor: { type, ...vendor }, place, backend, emails };
}

async function askVendor(questions: Questions, id: keyof typeof vendors): Promise<Readonly<Record<string, string>>> {
  const { schema, starter } = vendors[id] as { schema: z.ZodObject; starter: Starter<string> };
  const keys: Record<string, string> = {};
  const flags = { organization: "--organization", url: "--url", pool: "--pool", apiKeyId: "--api-key-id" } as const;
  const answer = async (name: keyof typeof flags, optional = false) => {
    const part = starter[name];
    if (!part) return;
    const { key, asks, value = (text: string) => text } = part;
    const checker = z.object({ [key]: schema.shape[key] as z.ZodType });
    const text = await questions.ask({
      flag: flags[name],
      message: asks,
      checker,
      value: (each) => ({ [key]: value(each) }),
      optional,
    });
    if (text !== "") keys[key] = value(text);
  };
  const { organization, url } = starter;
  const instead = url?.instead === true;
  const byUrl = instead && questions.isGiven("--url") && !questions.isGiven("--organization");
  if (!byUrl) await answer("organization", instead && questions.canAsk);
  const nameless = organization === undefined || keys[organization.key] === undefined;
  if (!instead || byUrl || (nameless && questions.canAsk)) await answer("url", organization !== undefined && !instead);
  await answer("pool");
  await answer("apiKeyId");
  return keys;
}

async function askPlace(
  questions: Questions,
  vendor: keyof typeof vendors | undefined,
  isNeighbour: (stack: string) => boolean,
): Promise<StarterPlace> {
  const hasTasks = vendor === undefined || vendors[vendor].kind === "ecs-fleet";
  const kind = await askNetworkKind(questions, hasTasks ? [...networks, onCluster] : networks);
  if (kind !== onCluster.value) return { network: await askNetworkOf(kind, questions, isNeighbour) };
  return { compute: { capacityProvider: await askOtherStack(questions, "--cluster-stack", isNeighbour) } };
}

async function askNetwork(questions: Questions, isNeighbour: (stack: string) => boolean): Promise<StarterNetwork> {
  return askNetworkOf(await askNetworkKind(questions, networks), questions, isNeighbour);
}

function askNetworkKind(questions: Questions, choices: typeof networks): Promise<string> {
  return questions.choose("--network", "Network of the machines", choices);
}

async function askOtherStack(
  questions: Questions,
  flag: string,
  isNeighbour: (stack: string) => boolean,
): Promise<{ readonly stack: string; readonly elsewhere?: true }> {
  const stack = await questions.ask({ flag, message: "Name of that stack", checker: stackName });
  return isNeighbour(stack) ? { stack } : { stack, elsewhere: true };
}

async function askNetworkOf(
  kind: string,
  questions: Questions,
  isNeighbour: (stack: string) => boolean,
): Promise<StarterNetwork> {
  if (kind === "stack") return askOtherStack(questions, "--network-stack", isNeighbour);
  if (kind !== "subnets") return { create: {} };
  const { vpcId, subnetIds } = given.shape;
  const vpc = await questions.ask({ flag: "--vpc", message: "Id of the VPC", checker: vpcId });
  const subnets = await questions.ask({
    flag: "--subnets",
    message: "Ids of the subnets, with commas between them",
    checker: subnetIds,
    value: listOf,
  });
  const isPublic = await questions.choose("--public-subnets", "Are these public subnets?", publicSubnets, "no");
  const assigned = isPublic === "yes" ? { assignPublicIp: true } : {};
  return { vpcId: vpc, subnetIds: listOf(subnets), ...assigned };
}

async function askBackend(questions: Questions, stack: string): Promise<StarterAnswers["backend"]> {
  const type = await questions.choose("--backend", "Terraform's state", backends);
  if (type === "s3") {
    const bucket = await questions.ask({ flag: "--bucket", message: "Name of the bucket", checker: s3.shape.bucket });
    return { type, bucket };
  }
  if (type !== "cloud") return { type: "local" };
  const organization = await questions.ask({
    flag: "--state-organization",
    message: "Organization of the workspace with the state",
    checker: cloud.shape.organization,
  });
  const workspace = await questions.ask({
    flag: "--state-workspace",
    message: `Name of the workspace (empty: ${stack})`,
    checker: cloud.shape.workspace,
    optional: true,
  });
  const hostname = await questions.ask({
    flag: "--state-host",
    message: "Host of your Terraform Enterprise (empty: HCP Terraform)",
    checker: cloud.shape.hostname,
    optional: true,
  });
  return { type, organization, workspace: workspace || stack, ...(hostname && { hostname }) };
}

function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== "");
}
