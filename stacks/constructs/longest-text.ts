import type { IConstruct } from "constructs";
import {
  DefaultTokenResolver,
  StringConcat,
  TerraformDataSource,
  type TerraformElement,
  TerraformResource,
  TerraformStack,
  Tokenization,
} from "#cdktf";
import { partitionOf } from "../config/regions.ts";

/** A Terraform expression, or text that looks like one as `terraformText` escapes it. */
const expression = /([$%])\1\{|[$%]\{([^}]*)\}/g;

/** A reference to one attribute: the resource's address, and the attribute. */
const reference = /^((?:data\.)?\w+\.[\w-]+)\.(\w+)$/;

interface Place {
  readonly region: string;
}
type Attributes = Readonly<Record<string, unknown>>;

const suffixed = (prefix: unknown, length: number) => `${prefix}${"x".repeat(length)}`;

/**
 * ARNs as AWS makes them, by the type of resource: the service, and the last part. IAM and S3 have no region in theirs, S3
 * no account either. AWS adds six characters and a hyphen to a secret's name, an UUID to a group's ARN, and Terraform 26
 * digits to a prefix.
 */
const arns: Readonly<Record<string, (made: Attributes) => string>> = {
  aws_autoscaling_group: ({ name }) => suffixed(`autoscaling:autoScalingGroup::autoScalingGroupName/${name}`, 36),
  aws_cloudwatch_event_rule: ({ name }) => `events:rule/${name}`,
  aws_cloudwatch_log_group: ({ name }) => `logs:log-group:${name}`,
  aws_codebuild_project: ({ name }) => `codebuild:project/${name}`,
  aws_dynamodb_table: ({ name }) => `dynamodb:table/${name}`,
  aws_ecr_repository: ({ name }) => `ecr:repository/${name}`,
  aws_ecs_cluster: ({ name, cluster_name }) => `ecs:cluster/${name ?? cluster_name}`,
  aws_iam_openid_connect_provider: ({ url }) => `iam:oidc-provider/${String(url).replace("https://", "")}`,
  aws_iam_policy: ({ name, path }) => `iam:policy${path ?? "/"}${name}`,
  aws_iam_role: ({ name, path }) => `iam:role${path ?? "/"}${name}`,
  aws_lambda_function: ({ function_name }) => `lambda:function:${function_name}`,
  aws_s3_bucket: ({ bucket, bucket_prefix }) => `s3:${bucket ?? suffixed(bucket_prefix, 26)}`,
  aws_secretsmanager_secret: ({ name }) => suffixed(`secretsmanager:secret:${name}`, 7),
  aws_sfn_state_machine: ({ name }) => `states:stateMachine:${name}`,
  aws_sns_topic: ({ name }) => `sns:${name}`,
  aws_sqs_queue: ({ name }) => `sqs:${name}`,
};

/** The longest value of attributes that Terraform alone knows, by their end. */
const lengths: readonly (readonly [end: RegExp, characters: number])[] = [
  [/\.account_id$/, 12],
  [/secret\..*\.arn$/, 140],
  [/\.arn$/, 110],
  [/\.id$/, 24],
  [/\.revision$/, 5],
  [/(?:)/, 100],
];

/**
 * A text as long as it can get once Terraform has resolved its expressions. An ARN or a name of a resource in the stack is
 * built from the resource's own arguments; the partition follows from the region. Everything else gets its longest usual
 * value.
 */
export function longestText(scope: IConstruct, text: string, place: Place): string {
  return resolvedText(scope, text).replaceAll(expression, (_, escaped: string | undefined, inner: string) =>
    escaped === undefined ? longestValue(scope, inner, place) : `${escaped}{`,
  );
}

/** A text with its expressions as Terraform reads them. */
export function resolvedText(scope: IConstruct, text: string): string {
  return resolve(scope, text);
}

/** The arguments of a resource as Terraform gets them. */
export function argumentsOf(element: TerraformElement): Attributes {
  const { resource, data } = resolve<Blocks>(element, element.toTerraform());
  const [byId = {}] = Object.values(resource ?? data ?? {});
  return Object.values(byId)[0] ?? {};
}

/** Type → id → arguments. */
type Blocks = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Attributes>>>> | undefined>>;

function resolve<T>(scope: IConstruct, value: T): T {
  const resolver = new DefaultTokenResolver(new StringConcat());
  return Tokenization.resolve(value, { scope, resolver, preparing: false });
}

function longestValue(scope: IConstruct, inner: string, place: Place): string {
  const partition = partitionOf(place.region);
  if (inner.endsWith(".partition")) return partition;
  const [, address = "", attribute = ""] = reference.exec(inner) ?? [];
  const element = elementAt(scope, address);
  const made = element ? argumentsOf(element) : {};
  const type = address.replace(/^data\./, "").split(".")[0] ?? "";
  const arn = arns[type];
  if (element && attribute === "arn" && arn) return wholeArn(arn(made), partition, place.region);
  const own = made[attribute];
  if (typeof own === "string" && !own.includes("${")) return own;
  return "x".repeat(lengths.find(([end]) => end.test(inner))?.[1] ?? 0);
}

/** @param short the service and the last part of the ARN, with a colon between */
function wholeArn(short: string, partition: string, region: string): string {
  const [service = "", ...rest] = short.split(":");
  const where = { s3: ":", iam: `:${"x".repeat(12)}` }[service] ?? `${region}:${"x".repeat(12)}`;
  return `arn:${partition}:${service}:${where}:${rest.join(":")}`;
}

/** The elements of each stack by their address. A miss reads the stack anew, because it still grows. */
const elements = new WeakMap<TerraformStack, Map<string, TerraformElement>>();

function elementAt(scope: IConstruct, address: string): TerraformElement | undefined {
  if (address === "") return undefined;
  const stack = TerraformStack.of(scope);
  const known = elements.get(stack)?.get(address);
  if (known) return known;
  const all = new Map(
    stack.node.findAll().flatMap((each) => (isElement(each) ? [[addressOf(each), each] as const] : [])),
  );
  elements.set(stack, all);
  return all.get(address);
}

type TypedElement = TerraformResource | TerraformDataSource;

function isElement(construct: unknown): construct is TypedElement {
  return TerraformResource.isTerraformResource(construct) || TerraformDataSource.isTerraformDataSource(construct);
}

/** The address of a resource or a data source, as in expressions. */
export function addressOf(element: TypedElement): string {
  const data = TerraformDataSource.isTerraformDataSource(element) ? "data." : "";
  return `${data}${element.terraformResourceType}.${element.friendlyUniqueId}`;
}
