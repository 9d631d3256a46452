import { type AwsSecretsFake, startAwsSecretsFake } from "./aws-secrets.ts";
import { createFakeClock, type FakeClock } from "./clock.ts";
import { type AwsCall, AwsRefusal, answerAws } from "./desk-aws.ts";
import { type HttpFake, startHttpFake } from "./http-fake.ts";

/** An account as `fleet check` reads it. Everything is right until a test changes it. */
export interface CheckWorld {
  readonly clock: FakeClock;
  readonly env: Readonly<Record<string, string>>;
  readonly http: HttpFake;
  readonly kept: AwsSecretsFake;
  readonly calls: readonly AwsCall[];
  /** Actions that AWS refuses this identity. */
  readonly denied: Set<string>;
  /** By code. `undefined`: nobody has changed it, so only the default exists. */
  readonly quotas: Map<string, number>;
  readonly defaults: Map<string, number>;
  /** vCPUs in use, by the quota's code. */
  readonly usage: Map<string, number>;
  addresses: Tagged[];
  vpcs: Tagged[];
  concurrency: { limit: number; free: number };
  subnets: { SubnetId: string; VpcId: string; AvailabilityZone: string; AvailableIpAddressCount: number }[];
  tables: {
    RouteTableId: string;
    Associations: { SubnetId?: string; Main?: boolean }[];
    Routes: { DestinationCidrBlock: string; State: string; GatewayId?: string; NatGatewayId?: string }[];
  }[];
  zones: string[];
  /** By type. */
  readonly types: Map<string, { vcpus: number; architectures: string[]; zones: string[] }>;
  images: {
    ImageId: string;
    Name: string;
    OwnerId: string;
    Architecture: string;
    State: string;
    CreationDate: string;
  }[];
  readonly parameters: Map<string, string>;
  /** Manifests in ECR, by `repository:tag`. */
  readonly manifests: Map<string, object>;
  readonly repositories: Set<string>;
  /** Functions that exist. */
  readonly functions: Set<string>;
  /** The HTTP status of an unsigned message, by the URL's path; an error is no answer. */
  readonly webhook: Map<string, number | Error>;
  knock(url: string): Promise<number>;
  close(): Promise<void>;
}

interface Tagged {
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[];
}

/** The account. */
export const account = "123456789012";
/** The region of everything in a world. */
export const region = "eu-west-1";

type Input = Readonly<Record<string, unknown>>;

/** Starts a world. Close it in the end. */
export async function startCheckWorld(): Promise<CheckWorld> {
  const kept = await startAwsSecretsFake();
  const calls: AwsCall[] = [];
  const { AWS_ENDPOINT_URL_SSM: _, ...env } = kept.env;
  const world: CheckWorld = {
    clock: createFakeClock(),
    kept,
    calls,
    http: await startHttpFake((request) => answerAws(request, perform)),
    get env() {
      return { ...env, AWS_ENDPOINT_URL: world.http.url, AWS_REGION: "us-east-1" };
    },
    denied: new Set(),
    quotas: new Map([
      ["L-3032A538", 100],
      ["L-36FBB829", 100],
      ["L-1216C47A", 100],
      ["L-34B43A08", 100],
    ]),
    defaults: new Map([
      ["L-0263D0A3", 5],
      ["L-F678F1CE", 5],
    ]),
    usage: new Map(),
    addresses: [],
    vpcs: [{ Tags: [] }],
    concurrency: { limit: 1000, free: 900 },
    subnets: ["a", "b"].map((zone) => ({
      SubnetId: `subnet-0000000${zone}`,
      VpcId: "vpc-00000001",
      AvailabilityZone: `${region}${zone}`,
      AvailableIpAddressCount: 200,
    })),
    tables: [
      {
        RouteTableId: "rtb-main",
        Associations: [{ Main: true }],
        Routes: [
          { DestinationCidrBlock: "10.0.0.0/16", State: "active", GatewayId: "local" },
          { DestinationCidrBlock: "0.0.0.0/0", State: "active", NatGatewayId: "nat-1" },
        ],
      },
    ],
    zones: ["c", "a", "b"].map((zone) => region + zone),
    types: new Map(
      ["m7i.large", "m6i.large"].map((type) => [
        type,
        { vcpus: 2, architectures: ["x86_64"], zones: ["a", "b", "c"].map((zone) => region + zone) },
      ]),
    ),
    images: [
      {
        ImageId: "ami-00000001",
        Name: "spacelift-1700000000-x86_64",
        OwnerId: "643313122712",
        Architecture: "x86_64",
        State: "available",
        CreationDate: "2026-11-01T00:00:00.000Z",
      },
    ],
    parameters: new Map(),
    manifests: new Map(),
    repositories: new Set(),
    functions: new Set(),
    webhook: new Map(),
    async knock(url) {
      const { pathname } = new URL(url);
      const answer = world.webhook.get(pathname) ?? 401;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    close: async () => {
      await Promise.all([world.http.close(), kept.close()]);
    },
  };

  function perform(call: AwsCall): object {
    calls.push(call);
    const { action, input } = call;
    if (world.denied.has(action)) {
      const message = `User: arn:aws:iam::${account}:user/x is not authorized to perform: ${action} on resource: *`;
      throw new AwsRefusal(action.startsWith("ec2:") ? "UnauthorizedOperation" : "AccessDeniedException", message);
    }
    const own = operations[action];
    if (own === undefined) throw new AwsRefusal("UnknownOperationException", action);
    return own(input);
  }

  const quota = (values: ReadonlyMap<string, number>) => (input: Input) => {
    const QuotaCode = String(input.QuotaCode);
    const Value = values.get(QuotaCode);
    if (Value === undefined) throw new AwsRefusal("NoSuchResourceException", `no quota ${QuotaCode}`);
    const UsageMetric = {
      MetricNamespace: "AWS/Usage",
      MetricName: "ResourceCount",
      MetricDimensions: { Code: QuotaCode },
      MetricStatisticRecommendation: "Maximum",
    };
    return { Quota: { QuotaCode, Value, UsageMetric } };
  };
  const functionNamed = ({ FunctionName }: Input) => {
    if (!world.functions.has(String(FunctionName))) {
      throw new AwsRefusal("ResourceNotFoundException", `Function not found: ${FunctionName}`, 404);
    }
    return `arn:aws:lambda:${region}:${account}:function:${FunctionName}`;
  };

  const operations: Readonly<Record<string, (input: Input) => object>> = {
    "sts:GetCallerIdentity": () => ({ Account: account }),
    "servicequotas:GetServiceQuota": quota(world.quotas),
    "servicequotas:GetAWSDefaultServiceQuota": quota(world.defaults),
    "cloudwatch:GetMetricStatistics": ({ Dimensions }) => {
      const [{ Value = "" } = {}] = Dimensions as readonly { readonly Value?: string }[];
      const Maximum = world.usage.get(Value);
      return { Datapoints: Maximum === undefined ? [] : [{ Timestamp: world.clock.now(), Maximum }] };
    },
    "lambda:GetAccountSettings": () => ({
      AccountLimit: {
        ConcurrentExecutions: world.concurrency.limit,
        UnreservedConcurrentExecutions: world.concurrency.free,
      },
    }),
    "lambda:GetFunctionConfiguration": (input) => ({ FunctionArn: functionNamed(input) }),
    "lambda:GetPolicy": (input) => {
      functionNamed(input);
      const source = `arn:aws:execute-api:${region}:${account}:abc123/*`;
      const Statement = [{ Effect: "Allow", Condition: { ArnLike: { "AWS:SourceArn": source } } }];
      return { Policy: JSON.stringify({ Version: "2012-10-17", Statement }) };
    },
    "ec2:DescribeAddresses": () => ({ Addresses: world.addresses }),
    "ec2:DescribeVpcs": ({ NextToken = "0" }) => {
      // One a page: callers must read all pages.
      const at = Number(NextToken);
      const more = at + 1 < world.vpcs.length;
      return { Vpcs: world.vpcs.slice(at, at + 1), NextToken: more ? String(at + 1) : undefined };
    },
    "ec2:DescribeSubnets": (input) => ({
      Subnets: world.subnets.filter(({ SubnetId }) =>
        (valuesOf(input, "subnet-id") ?? (input.SubnetIds as string[])).includes(SubnetId),
      ),
    }),
    "ec2:DescribeRouteTables": () => ({ RouteTables: world.tables }),
    "ec2:DescribeAvailabilityZones": () => ({ AvailabilityZones: world.zones.map((ZoneName) => ({ ZoneName })) }),
    "ec2:DescribeInstanceTypes": (input) => ({
      InstanceTypes: [...world.types]
        .filter(([type]) => valuesOf(input, "instance-type")?.includes(type))
        .map(([InstanceType, { vcpus, architectures }]) => ({
          InstanceType,
          VCpuInfo: { DefaultVCpus: vcpus },
          ProcessorInfo: { SupportedArchitectures: architectures },
        })),
    }),
    "ec2:DescribeInstanceTypeOfferings": (input) => ({
      InstanceTypeOfferings: [...world.types]
        .filter(([type]) => valuesOf(input, "instance-type")?.includes(type))
        .flatMap(([InstanceType, { zones }]) => zones.map((Location) => ({ InstanceType, Location }))),
    }),
    "ec2:DescribeImages": (input) => {
      const { ImageIds, Owners } = input as { readonly ImageIds?: string[]; readonly Owners?: string[] };
      const names = valuesOf(input, "name");
      const ids = ImageIds ?? valuesOf(input, "image-id");
      const found = world.images.filter(
        ({ ImageId, Name, OwnerId }) =>
          (ids?.includes(ImageId) ?? true) &&
          (Owners?.includes(OwnerId) ?? true) &&
          (names?.some((name) => matches(Name, name)) ?? true),
      );
      if (ImageIds && found.length === 0) throw new AwsRefusal("InvalidAMIID.NotFound", `no ${ImageIds.join()}`);
      return { Images: found };
    },
    "ssm:GetParameter": ({ Name }) => {
      const Value = world.parameters.get(String(Name));
      if (Value === undefined) throw new AwsRefusal("ParameterNotFound", "");
      return { Parameter: { Name, Value } };
    },
    "ecr:BatchGetImage": ({ repositoryName, imageIds }) => {
      if (!world.repositories.has(String(repositoryName))) {
        throw new AwsRefusal("RepositoryNotFoundException", "The repository does not exist");
      }
      const [{ imageTag = "" } = {}] = imageIds as readonly { readonly imageTag?: string }[];
      const found = world.manifests.get(`${repositoryName}:${imageTag}`);
      return { images: found ? [{ imageManifest: JSON.stringify(found) }] : [], failures: [] };
    },
  };
  return world;
}

function valuesOf({ Filters }: Input, name: string): readonly string[] | undefined {
  const filters = Filters as readonly { readonly Name: string; readonly Values: readonly string[] }[] | undefined;
  return filters?.find(({ Name }) => Name === name)?.Values;
}

/** `?` and `*` as in EC2's filters. */
function matches(text: string, pattern: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("?", ".").replaceAll("*", ".*")}$`).test(text);
}
