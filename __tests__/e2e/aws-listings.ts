/** One list of resources, as an AWS API returns it. */
type Listing = (endpoint: string, region: string) => Promise<string>;

/** The field with the next page in an answer, and its name in the next request. `NextMarker` becomes `Marker`. */
const nextPage = /(?:<|")(?:Next)?(NextToken|nextToken|Marker)(?:>|":\s*")([^<"]+)/;

/** The pages of a list, one after the other. */
async function allPages(page: (next: Readonly<Record<string, string>>) => Promise<string>): Promise<string> {
  const pages: string[] = [];
  let next: Readonly<Record<string, string>> | undefined = {};
  while (next) {
    const text = await page(next);
    pages.push(text);
    const [, name, value] = nextPage.exec(text) ?? [];
    next = name !== undefined && value !== undefined ? { [name]: value } : undefined;
  }
  return pages.join("\n");
}

const json =
  (service: string, target: string, input: object = {}): Listing =>
  (endpoint, region) =>
    allPages((next) =>
      ask(endpoint, region, service, "/", {
        method: "POST",
        body: JSON.stringify({ ...input, ...next }),
        headers: { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" },
      }),
    );

const query =
  (service: string, version: string, action: string, input: Readonly<Record<string, string>> = {}): Listing =>
  (endpoint, region) =>
    allPages((next) =>
      ask(endpoint, region, service, "/", {
        method: "POST",
        body: new URLSearchParams({ Action: action, Version: version, ...input, ...next }),
      }),
    );

const get =
  (service: string, path: string): Listing =>
  (endpoint, region) =>
    allPages((next) => ask(endpoint, region, service, `${path}?${new URLSearchParams(next)}`, {}));

const ec2 = (action: string, input?: Readonly<Record<string, string>>) => query("ec2", "2016-11-15", action, input);

const ecs = (operation: string, input?: object) =>
  json("ecs", `AmazonEC2ContainerServiceV20141113.${operation}`, input);

const ecsNamespace = { ServiceNamespace: "ecs" };

/** AWS may list deleted clusters for some time. */
const activeClusters: Listing = async (endpoint, region) => {
  const { clusterArns: clusters } = JSON.parse(await ecs("ListClusters")(endpoint, region));
  const described = await ecs("DescribeClusters", { clusters })(endpoint, region);
  const active = JSON.parse(described).clusters.filter(({ status }: { status: string }) => status === "ACTIVE");
  return JSON.stringify(active);
};

/** A list of all resources of one kind that stacks use. */
const listings: Readonly<Record<string, Listing>> = {
  clusters: activeClusters,
  taskDefinitions: ecs("ListTaskDefinitions"),
  functions: get("lambda", "/2015-03-31/functions/"),
  secrets: json("secretsmanager", "secretsmanager.ListSecrets"),
  logGroups: json("logs", "Logs_20140328.DescribeLogGroups"),
  tables: json("dynamodb", "DynamoDB_20120810.ListTables"),
  rules: json("events", "AWSEvents.ListRules"),
  queueMappings: get("lambda", "/2015-03-31/event-source-mappings/"),
  queues: json("sqs", "AmazonSQS.ListQueues"),
  groups: query("autoscaling", "2011-01-01", "DescribeAutoScalingGroups"),
  launchTemplates: ec2("DescribeLaunchTemplates"),
  instances: ec2("DescribeInstances", { "Filter.1.Name": "instance-state-name", "Filter.1.Value.1": "running" }),
  balancers: query("elasticloadbalancing", "2015-12-01", "DescribeLoadBalancers"),
  targetGroups: query("elasticloadbalancing", "2015-12-01", "DescribeTargetGroups"),
  scalableTargets: json("application-autoscaling", "AnyScaleFrontendService.DescribeScalableTargets", ecsNamespace),
  namespaces: json("servicediscovery", "Route53AutoNaming_v20170314.ListNamespaces"),
  parameters: json("ssm", "AmazonSSM.DescribeParameters"),
  buckets: get("s3", "/"),
  instanceProfiles: query("iam", "2010-05-08", "ListInstanceProfiles"),
  topics: query("sns", "2010-03-31", "ListTopics"),
  alarms: query("monitoring", "2010-08-01", "DescribeAlarms"),
  dashboards: query("monitoring", "2010-08-01", "ListDashboards"),
  roles: query("iam", "2010-05-08", "ListRoles"),
  repositories: json("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"),
  buildProjects: json("codebuild", "CodeBuild_20161006.ListProjects"),
  stateMachines: json("states", "AWSStepFunctions.ListStateMachines"),
  httpApis: get("apigateway", "/v2/apis"),
  vpcs: ec2("DescribeVpcs"),
  subnets: ec2("DescribeSubnets"),
  routeTables: ec2("DescribeRouteTables"),
  internetGateways: ec2("DescribeInternetGateways"),
  securityGroups: ec2("DescribeSecurityGroups"),
  addresses: ec2("DescribeAddresses"),
};

/** The lists of every kind from an AWS API, as text. */
export async function listAll(endpoint: string, region: string): Promise<Readonly<Record<string, string>>> {
  const lists: Record<string, string> = {};
  for (const [kind, list] of Object.entries(listings)) lists[kind] = await list(endpoint, region);
  return lists;
}

/** Calls an AWS API. moto checks no signature, but reads service and region from it. */
export async function ask(
  endpoint: string,
  region: string,
  service: string,
  path: string,
  init: RequestInit,
  /** Access key id. */
  caller = "test",
): Promise<string> {
  const credential = `${caller}/20200101/${region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`;
  const response = await fetch(`${endpoint}${path}`, { ...init, headers: { ...init.headers, authorization } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${text.slice(0, 300)}`);
  return text;
}
