import { describe, expect, it } from "vitest";
import { load, messagesIn } from "./files.ts";

const minimal = "kind: ecs-cluster\nregion: us-west-2\n";
const subscribed = `${minimal}alarms: { emails: [ops@example.com] }\n`;
const errorsWith = (text: string) => messagesIn(minimal + text);
const warningsOf = (text: string) =>
  load({ "config/fleet.yaml": text }).warnings.map((line) => line.replace(/^\S+ /, ""));

/** The errors of a cluster with a load balancer and one service, which has these keys beside name and image. */
const errorsOfService = (keys: string) =>
  errorsWith(`loadBalancer: {}\nservices: [{ name: web, image: "nginx:1.29.0", ${keys} }]\n`);

describe("a cluster's config", () => {
  it("needs no more than kind and region", () => {
    const [stack] = load({ "config/apps.yaml": minimal }).stacks;
    expect(stack?.config).toMatchObject({
      kind: "ecs-cluster",
      hosts: { min: 0, max: 10, spotPercent: 0, maxLifetimeDays: 30 },
      logs: { retentionDays: 30 },
      services: [],
    });
  });

  it("defect 1: warns when nobody would be notified", () => {
    expect(warningsOf(minimal)).toEqual([
      "alarms: has no receiver: set alarms.emails, or nobody is notified of failed tasks and deployments",
    ]);
    for (const receiver of [
      "emails: [ops@example.com]",
      "subscriptions: [{ protocol: email, address: ops@example.com }]",
      "topicArn: arn:aws:sns:us-west-2:111122223333:ci",
    ]) {
      expect(warningsOf(`${minimal}alarms: { ${receiver} }\n`)).toEqual([]);
    }
  });

  it("warns of tasks without a way out", () => {
    const text = `${subscribed}network: { create: { egress: public-ip } }\nservices: [{ name: web, image: "nginx:1.29.0" }]\n`;
    expect(warningsOf(text)).toEqual([expect.stringMatching(/^network\.create\.egress: is public-ip: tasks with/)]);
    expect(warningsOf(text.replace('1.29.0"', '1.29.0", networkMode: bridge'))).toEqual([]);
  });
});

it.each([
  "alerts: { subscriptions: [{ protocol: email, address: ops@example.com }] }",
  "alerts: { emails: [ops@example.com], topicArn: nonsense }",
  "alerts:",
  "alarms: { emails: [ops@example.com] }\nalerts: {}",
])("the old key is refused by the name of the new one: %j", (text) => {
  expect(errorsWith(text)).toEqual(["alerts: is called alarms now. The keys below it keep their names"]);
});

describe("hosts", () => {
  it.each([
    ["hosts: { min: 3, max: 2 }", "hosts.min: must not be more than hosts.max, which is 2, found 3"],
    ["hosts: { onDemandBase: 20 }", "hosts.onDemandBase: must not be more than hosts.max, which is 10, found 20"],
    [
      "hosts: { amiId: latest }",
      'hosts.amiId: must be the id of an AMI, such as ami-0123456789abcdef0, found "latest"',
    ],
    ["hosts: { instances: { types: [] } }", "hosts.instances.types: must be a list of at least 1, found an empty list"],
    [
      "hosts: { instances: { vcpus: { min: 4, max: 2 }, memoryMiB: { min: 1 } } }",
      "hosts.instances.vcpus.max: must not be less than min, which is 4, found 2",
    ],
    [
      "hosts: { refresh: { minHealthyPercent: 100, maxHealthyPercent: 100 } }",
      "hosts.refresh.maxHealthyPercent: must be more than minHealthyPercent, or AWS could not replace any host, found 100",
    ],
    [
      "hosts: { ecsConfig: { ECS_CLUSTER: other } }",
      "hosts.ecsConfig.ECS_CLUSTER: must be left out: it is the stack's own cluster",
    ],
    [
      "hosts: { ecsConfig: { ECS_ENGINE_AUTH_DATA: canary } }",
      "hosts.ecsConfig.ECS_ENGINE_AUTH_DATA: must be left out: it would put a credential into user data: use services[].repositoryCredentialsArn",
    ],
    [
      'hosts: { ecsConfig: { ECS_LOGLEVEL: "a\\nECS_CLUSTER=b" } }',
      "hosts.ecsConfig.ECS_LOGLEVEL: must be text of one line, found a value (not shown, it may be a secret)",
    ],
    [
      "hosts: { userData: echo canary }",
      "hosts.userData: must start with #! (a script) or be a #cloud-config, found a value (not shown, it may be a secret)",
    ],
  ])("%s", (text, error) => {
    expect(errorsWith(text)).toEqual([error]);
  });
});

describe("the load balancer", () => {
  it.each([
    [
      "loadBalancer: { type: classic }",
      /^loadBalancer\.type: must be application: a classic load balancer cannot route by host or path/,
    ],
    [
      "loadBalancer: { scheme: internet-facing }",
      /^loadBalancer\.certificateArn: must be given for an internet-facing balancer/,
    ],
    ["loadBalancer: { allowCidrs: [10.0.0.1/8] }", /^loadBalancer\.allowCidrs\[0\]: must be an IPv4 range/],
    [
      "loadBalancer: {}\nnetwork: { create: { availabilityZones: 1 } }",
      /^loadBalancer\.subnetIds: needs a network with at least two availabilityZones/,
    ],
    [
      "loadBalancer: {}\nnetwork: { vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0] }",
      /^loadBalancer\.subnetIds: must name subnets in two zones/,
    ],
  ])("%s", (text, error) => {
    expect(errorsWith(text)).toEqual([expect.stringMatching(error)]);
  });

  it("must be there for the services that want to be behind it", () => {
    const text =
      'services: [{ name: web, image: "nginx:1.29.0", ports: [{ name: http, containerPort: 80 }], loadBalancer: { port: http } }]';
    expect(errorsWith(text)).toEqual(["loadBalancer: must be given: service web has a loadBalancer, but is missing"]);
  });

  it("cannot have two services that take everything, or two rules of one priority", () => {
    const service = (name: string, more: string) =>
      `  - { name: ${name}, image: "nginx:1.29.0", ports: [{ name: http, containerPort: 80 }], loadBalancer: { port: http${more} } }\n`;
    const both = (more: string) =>
      errorsWith(`loadBalancer: {}\nservices:\n${service("one", more)}${service("two", more)}`);
    expect(both("")).toEqual([expect.stringMatching(/without hosts and paths behind the balancer, not one, two/)]);
    expect(both(", paths: [/x], priority: 5")).toEqual([
      expect.stringMatching(/must have different loadBalancer priorities: one, two/),
    ]);
  });
});

describe("a service", () => {
  it.each([
    [
      "loadBalancer: { port: http }",
      /loadBalancer\.port: must be one of the service's ports: it has no ports, found "http"/,
    ],
    ["serviceConnect: { port: http }", /serviceConnect\.port: must be one of the service's ports/],
    ["autoScaling: { min: 1, max: 2 }", /autoScaling: must have one of cpuPercent, memoryPercent, requestsPerTask/],
    ["autoScaling: { min: 3, max: 2, cpuPercent: 50 }", /autoScaling: must have a min that is not more/],
    ["autoScaling: { min: 1, max: 2, requestsPerTask: 5 }", /autoScaling: needs loadBalancer/],
    ["daemon: true, autoScaling: { min: 1, max: 2, cpuPercent: 5 }", /autoScaling: must be left out with daemon/],
    ["daemon: true, placement: { strategies: [{ type: random }] }", /placement: must have only memberOf constraints/],
    ["daemon: true, deployment: { maxPercent: 150 }", /deployment: must not have a maxPercent above 100 with daemon/],
    ["deployment: { maxPercent: 100 }", /deployment: must leave room/],
    [
      "networkMode: bridge, ingress: [{ from: 80, cidrs: [10.0.0.0/8] }]",
      /ingress: must be left out with networkMode bridge/,
    ],
    ["ingress: [{ from: 80 }]", /ingress: must each have either cidrs or services/],
    [
      "ports: [{ name: a, containerPort: 1, hostPort: 2 }]",
      /ports: must have no hostPort unless networkMode is bridge/,
    ],
    [
      "executeCommand: true, readonlyRootFilesystem: true",
      /executeCommand: must be left out with readonlyRootFilesystem: ECS Exec writes into the container, found true/,
    ],
    ["secrets: { KEY: canary }", /secrets\.KEY: must be the ARN of .*, found a value \(not shown/],
    [
      'statements: [{ actions: ["s3:*"], resources: ["*"] }]',
      /statements\[0\]\.actions\[0\]: must be one action .* without a wildcard/,
    ],
    ["volumes: [{ name: a, mountPath: data }]", /volumes\[0\]\.mountPath: must be an absolute path/],
  ])("%s", (keys, error) => {
    const errors = errorsOfService(keys);
    expect(errors).toEqual([expect.stringMatching(error)]);
    expect(errors.join()).not.toContain("canary");
  });

  it("must have a pinned image", () => {
    expect(errorsWith("services: [{ name: web, image: nginx }]")).toEqual([
      expect.stringMatching(/^services\[0\]\.image: must be pinned/),
    ]);
  });

  it("lets in only services that there are", () => {
    expect(errorsOfService("ingress: [{ from: 80, services: [nobody] }]")).toEqual([
      expect.stringMatching(/^services: must name services of this stack in ingress, but there is no nobody/),
    ]);
  });
});

describe("the deployer", () => {
  const withDeployer = (text: string) =>
    errorsWith(`services: [{ name: web, image: "nginx:1.29.0" }]\ndeployer: ${text}\n`);

  it.each([
    ["{}", /^deployer: must have an entry/],
    [
      "{ github: [{ repository: acme/web, branch: main, services: [web, api] }] }",
      /^deployer: must name services of this stack, but there is no api/,
    ],
    ["{ github: [{ repository: acme/web }] }", /^deployer\.github\[0\]: must have either branch or environment/],
    ['{ github: [{ repository: acme/web, branch: "*" }] }', /branch: must be the name of a branch, without a wildcard/],
    ['{ github: [{ repository: "acme/*", branch: main }] }', /repository: must be owner\/repository/],
  ])("%s", (text, error) => {
    expect(withDeployer(text)).toEqual([expect.stringMatching(error)]);
  });

  it("has something to deploy", () => {
    expect(errorsWith("deployer: { github: [{ repository: acme/web, branch: main }] }")).toEqual([
      expect.stringMatching(/^deployer: must be left out while services is empty/),
    ]);
  });
});

describe("a fleet on a cluster's hosts", () => {
  const fleet = (text: string) =>
    messagesIn(
      `kind: ecs-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n${text}\n`,
    );

  it.each([
    [
      "compute: { capacityProvider: { stack: apps } }\nnetwork: { create: {} }",
      /^network: must be left out or name the network of the hosts/,
    ],
    [
      "compute: { capacityProvider: { name: hosts }, cluster: { name: apps } }",
      /^network: must name the network of the hosts/,
    ],
    [
      "compute: { capacityProvider: { stack: apps }, spot: true }\nnetwork: { stack: net }",
      /^compute\.spot: must be left out with capacityProvider/,
    ],
    [
      "compute: { capacityProvider: { stack: apps }, cluster: { name: other } }\nnetwork: { stack: net }",
      /^compute\.cluster: must be left out/,
    ],
    ["compute: { capacityProvider: { name: hosts } }\nnetwork: { stack: net }", /^compute\.cluster: must be given/],
    [
      "compute: { capacityProvider: { stack: apps } }\nnetwork: { vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0], assignPublicIp: true }",
      /^network: must not ask for assignPublicIp/,
    ],
  ])("%s", (text, error) => {
    expect(fleet(text)).toEqual([expect.stringMatching(error)]);
  });

  it("may have any memory and any grace, which starts on the host, and is warned where a host's end could hurt it", () => {
    const text = (agents: string) => `kind: ecs-fleet
region: us-west-2
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
compute: { capacityProvider: { stack: apps, elsewhere: true }, cpu: 1024, memoryMiB: 2500 }
network: { stack: net, elsewhere: true }
agents: { ${agents} }
`;
    expect(warningsOf(text("registrationGraceSeconds: 30"))).toEqual([]);
    expect(warningsOf(text("maxLifetimeSeconds: 172800"))).toEqual([
      expect.stringMatching(/^agents\.maxLifetimeSeconds: is more than a day/),
    ]);
  });
});
