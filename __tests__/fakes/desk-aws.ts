import type { FakeAnswer, FakeRequest } from "./http-fake.ts";

/** One call of an AWS client, in whichever protocol it came. */
export interface AwsCall {
  /** As IAM names it, such as `ecs:ListTasks`. */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What AWS refuses a call with. */
export class AwsRefusal extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

type Protocol = "json" | "rest" | "query" | "ec2";

/** Targets of the services that speak JSON. */
const targets: Readonly<Record<string, string>> = {
  DynamoDB_20120810: "dynamodb",
  Logs_20140328: "logs",
  AmazonEC2ContainerServiceV20141113: "ecs",
  AWSStepFunctions: "states",
  GraniteServiceVersion20100801: "cloudwatch",
  AWSEvents: "events",
  AmazonEC2ContainerRegistry_V20150921: "ecr",
  ServiceQuotasV20190624: "servicequotas",
  AmazonSSM: "ssm",
  AmazonSQS: "sqs",
};

/** Services that take a form, by the version that they name. */
const versions: Readonly<Record<string, readonly [Protocol, string]>> = {
  "2011-01-01": ["query", "autoscaling"],
  "2010-03-31": ["query", "sns"],
  "2011-06-15": ["query", "sts"],
  "2016-11-15": ["ec2", "ec2"],
};

const paths: readonly (readonly [RegExp, string])[] = [
  [/^\/2015-03-31\/functions\/([^/]+)\/configuration$/, "lambda:GetFunctionConfiguration"],
  [/^\/2019-09-30\/functions\/([^/]+)\/concurrency$/, "lambda:GetFunctionConcurrency"],
  [/^\/2015-03-31\/functions\/([^/]+)\/policy$/, "lambda:GetPolicy"],
  [/^\/2016-08-19\/(account-settings)$/, "lambda:GetAccountSettings"],
  [/^\/2015-03-31\/(event-source-mappings)\/?$/, "lambda:ListEventSourceMappings"],
];

/** Answers a request of an AWS client by `perform`, which throws {@link AwsRefusal} or another error with AWS's name. */
export function answerAws(request: FakeRequest, perform: (call: AwsCall) => object): FakeAnswer {
  const [protocol, call] = callOf(request);
  try {
    return write(protocol, call, perform(call));
  } catch (error) {
    return refuse(protocol, error as Error);
  }
}

function callOf({ headers, path, body }: FakeRequest): readonly [Protocol, AwsCall] {
  const [service = "", operation = ""] = String(headers["x-amz-target"] ?? "").split(".");
  if (targets[service]) {
    return ["json", { action: `${targets[service]}:${operation}`, input: JSON.parse(body.toString() || "{}") }];
  }
  for (const [pattern, action] of paths) {
    const FunctionName = pattern.exec(path)?.[1];
    if (FunctionName) return ["rest", { action, input: { FunctionName } }];
  }
  const form = new URLSearchParams(body.toString());
  const [protocol, name] = versions[form.get("Version") ?? ""] ?? ["query", "unknown"];
  return [protocol, { action: `${name}:${form.get("Action")}`, input: unflatten(form, protocol) }];
}

/** `A.member.1.B=x` and `A.1.B=x` are lists. */
function unflatten(form: URLSearchParams, protocol: Protocol): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of form) {
    const parts = key.split(".").filter((part) => part !== "member");
    let at: Record<string, unknown> = root;
    parts.forEach((part, index) => {
      const isLast = index === parts.length - 1;
      if (isLast) at[part] = /^(MaxRecords|MaxResults)$/.test(part) ? Number(value) : value;
      else {
        at[part] ??= {};
        at = at[part] as Record<string, unknown>;
      }
    });
  }
  const lists = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value).map(([key, part]) => [key, lists(part)] as const);
    const isList = entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key));
    return isList ? entries.map(([, part]) => part) : Object.fromEntries(entries);
  };
  const input = lists(root) as Record<string, unknown>;
  if (protocol !== "ec2") return input;
  const { Filter, InstanceId, ImageId, Owner, SubnetId, ...rest } = input;
  const renamed = {
    Filters: filtersOf(Filter),
    InstanceIds: InstanceId,
    ImageIds: ImageId,
    Owners: Owner,
    SubnetIds: SubnetId,
  };
  return { ...rest, ...Object.fromEntries(Object.entries(renamed).filter(([, value]) => value !== undefined)) };
}

function filtersOf(filters: unknown): unknown {
  if (!Array.isArray(filters)) return undefined;
  return filters.map(({ Name, Value }) => ({ Name, Values: Value }));
}

function write(protocol: Protocol, { action }: AwsCall, answer: object): FakeAnswer {
  if (protocol === "json" || protocol === "rest") {
    return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, json: inSeconds(answer) };
  }
  const operation = action.split(":")[1];
  const text =
    protocol === "ec2"
      ? `<${operation}Response>${xml(answer, protocol)}</${operation}Response>`
      : `<${operation}Response><${operation}Result>${xml(answer, protocol)}</${operation}Result></${operation}Response>`;
  return { status: 200, headers: { "content-type": "text/xml" }, text };
}

function refuse(protocol: Protocol, { name, message, ...rest }: Error): FakeAnswer {
  const { $metadata, status: own } = rest as { $metadata?: { httpStatusCode?: number }; status?: number };
  const status = own ?? $metadata?.httpStatusCode ?? 400;
  if (protocol === "json") return { status, json: { __type: name, message } };
  if (protocol === "rest") return { status, headers: { "x-amzn-errortype": name }, json: { message } };
  const error = `<Error><Code>${name}</Code><Message>${escaped(message)}</Message></Error>`;
  const text =
    protocol === "ec2"
      ? `<Response><Errors>${error}</Errors></Response>`
      : `<ErrorResponse>${error}<RequestId>1</RequestId></ErrorResponse>`;
  return { status, headers: { "content-type": "text/xml" }, text };
}

/** EC2 begins names with a small letter and has sets for lists. */
const ec2Names: Readonly<Record<string, string>> = {
  Reservations: "reservationSet",
  Instances: "instancesSet",
  Tags: "tagSet",
  Images: "imagesSet",
  State: "instanceState",
  Subnets: "subnetSet",
  RouteTables: "routeTableSet",
  Routes: "routeSet",
  Associations: "associationSet",
  AvailabilityZones: "availabilityZoneInfo",
  Addresses: "addressesSet",
  Vpcs: "vpcSet",
  InstanceTypes: "instanceTypeSet",
  InstanceTypeOfferings: "instanceTypeOfferingSet",
};

function xml(value: unknown, protocol: Protocol): string {
  if (value === undefined || value === null) return "";
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const item = protocol === "ec2" ? "item" : "member";
    return value.map((each) => `<${item}>${xml(each, protocol)}</${item}>`).join("");
  }
  if (typeof value !== "object") return escaped(String(value));
  return Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .map(([key, part]) => {
      const isState = key === "State" && typeof part === "string";
      const small = key.charAt(0).toLowerCase() + key.slice(1);
      const name =
        protocol === "ec2" ? (isState ? ("ImageId" in value ? "imageState" : "state") : (ec2Names[key] ?? small)) : key;
      return `<${name}>${xml(part, protocol)}</${name}>`;
    })
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Times travel as seconds in JSON. */
function inSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(inSeconds);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inSeconds(part)]));
}
