import * as z from "zod";
import { execRule, variableName, volume } from "../compute/container.ts";
import { containerImage, createCacheRepository, repositoryCredentialsArn } from "../compute/image.ts";
import { oneOf, secretReference, text, uniqueList, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import { allowedCidrs } from "./balancer.ts";

/** Name of a service of a cluster. */
export const serviceName = text(
  /^[a-z](?:[a-z0-9-]{0,16}[a-z0-9])?$/,
  "1 to 18 lower-case letters, digits and hyphens, starting with a letter (IAM's 64 also hold the stack's name)",
);
const portNumber = wholeNumber(1, 65_535);
const portName = text(/^[a-z][a-z0-9-]{0,62}$/, "a lower-case name such as http");

const port = z.strictObject({
  name: portName.describe("Name of the port. Other keys refer to it."),
  containerPort: portNumber.describe("Port that the container listens on."),
  hostPort: portNumber
    .optional()
    .describe("A fixed port of the host, with networkMode bridge. Left out: any free port."),
  protocol: oneOf(["tcp", "udp"]).default("tcp").describe("Transport."),
});

const placement = z.strictObject({
  strategies: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("random").describe("Anywhere.") }),
        z.strictObject({
          type: z.literal("binpack").describe("On as few hosts as possible."),
          field: oneOf(["cpu", "memory"]).describe("The resource to fill up."),
        }),
        z.strictObject({
          type: z.literal("spread").describe("As evenly as possible."),
          field: text(/^(?:instanceId|host|attribute:[\w.:-]+)$/, "instanceId or attribute:…").describe(
            "Spreads tasks over the values of this attribute.",
          ),
        }),
      ]),
    )
    .max(5)
    .optional()
    .describe("How ECS places tasks; the first strategy comes first. Left out: spread over zones, then over hosts."),
  constraints: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("distinctInstance").describe("At most one task per host.") }),
        z.strictObject({
          type: z.literal("memberOf").describe("Only hosts that match an expression."),
          expression: text(/^\S.{0,1999}$/, "an expression of ECS's cluster query language").describe(
            "The expression, such as `attribute:ecs.instance-type =~ m7g.*`.",
          ),
        }),
      ]),
    )
    .max(10)
    .default([])
    .describe("Conditions that a host must meet for a task."),
});

const statement = z.strictObject({
  actions: uniqueList(
    text(/^[a-z0-9-]+:[A-Za-z]+$/, "one action such as s3:GetObject, without a wildcard"),
    1,
  ).describe("Actions that the tasks may use."),
  resources: uniqueList(text(/^(?:arn:\S+|\*)$/, "an ARN, or * where AWS knows no resource"), 1).describe(
    "Resources that the actions apply to.",
  ),
});

const ingress = z.strictObject({
  from: wholeNumber(0, 65_535).describe("First port."),
  to: wholeNumber(0, 65_535).optional().describe("Last port. Left out: the same as `from`."),
  protocol: oneOf(["tcp", "udp"]).default("tcp").describe("Transport."),
  cidrs: allowedCidrs.optional().describe("IPv4 ranges that may connect."),
  services: uniqueList(serviceName, 1)
    .optional()
    .describe("Services of this stack that may connect, by name. May include this service."),
});

const target = z.strictObject({
  port: portName.describe("The service's port, by name."),
  protocol: oneOf(["http", "https"]).default("http").describe("Protocol between the balancer and the tasks."),
  hosts: uniqueList(text(/^[A-Za-z0-9*?.-]{1,128}$/, "a host name, which may have * and ?"))
    .default([])
    .describe("Host names of this service."),
  paths: uniqueList(text(/^\/\S{0,127}$/, "a path, which may have * and ?"))
    .default([])
    .describe("Paths of this service. Without hosts and paths it takes every request that no other service takes."),
  priority: wholeNumber(1, 50_000)
    .optional()
    .describe("Priority of the listener rule. Left out: derived from the service's name."),
  healthPath: text(/^\/\S{0,1023}$/, "a path such as /healthz")
    .default("/")
    .describe("Path of the health check."),
  healthCodes: text(/^[0-9]{3}(?:[,-][0-9]{3})*$/, "HTTP codes such as 200 or 200-299,429")
    .default("200")
    .describe("HTTP codes that mean healthy."),
  healthIntervalSeconds: wholeNumber(5, 300).default(15).describe("Seconds between two health checks."),
  healthGraceSeconds: wholeNumber(0, 3600).default(60).describe("Time for a new task to become healthy."),
  deregistrationDelaySeconds: wholeNumber(0, 3600)
    .default(300)
    .describe("Time for a leaving task to finish its requests."),
});

const fields = z.strictObject({
  name: serviceName.describe("Name of the service."),
  image: containerImage.describe("Container image, pinned by tag or digest."),
  repositoryCredentialsArn: repositoryCredentialsArn.describe(
    "Secret with user name and password of a private registry.",
  ),
  createCacheRepository,
  cpu: wholeNumber(0, 196_608).default(256).describe("CPU units reserved for a task; 1024 are one vCPU."),
  memoryMiB: wholeNumber(6, 2_097_152).default(512).describe("Memory reserved for a task, which is also its limit."),
  entryPoint: z.array(z.string()).min(1).optional().describe("Replaces the image's entry point."),
  command: z.array(z.string()).min(1).optional().describe("Replaces the image's command."),
  user: text(/^[\w.:-]{1,64}$/, "a user, or user:group")
    .optional()
    .describe("Replaces the image's user."),
  networkMode: oneOf(["awsvpc", "bridge", "host"])
    .default("awsvpc")
    .describe("`awsvpc`: each task has its own IP address and security group; the others share the host's."),
  pidMode: oneOf(["host"]).optional().describe("Lets the container see the host's processes."),
  capabilities: uniqueList(text(/^[A-Z_]{3,32}$/, "a Linux capability such as IPC_LOCK"))
    .default([])
    .describe("Linux capabilities added to Docker's defaults."),
  readonlyRootFilesystem: z.boolean().default(false).describe("Whether the container can write to its volumes only."),
  stopTimeoutSeconds: wholeNumber(2, 172_800).default(30).describe("Seconds between SIGTERM and SIGKILL."),
  ports: z.array(port).max(100).default([]).describe("Ports of the container."),
  ingress: z.array(ingress).default([]).describe("Who else may connect, besides the load balancer."),
  environment: z.record(variableName, z.string()).default({}).describe("Environment variables. Not for secrets."),
  secrets: z.record(variableName, secretReference).default({}).describe("Environment variables from secrets, by ARN."),
  healthCheck: z
    .strictObject({
      command: z.array(z.string()).min(1).describe("Command in the container; exit code 0 means healthy."),
      intervalSeconds: wholeNumber(5, 300).default(30).describe("Seconds between two checks."),
      timeoutSeconds: wholeNumber(2, 60).default(5).describe("How long a check may take."),
      retries: wholeNumber(1, 10).default(3).describe("Failures in a row that mean unhealthy."),
      startPeriodSeconds: wholeNumber(0, 300)
        .default(0)
        .describe("Time after the start in which failures do not count."),
    })
    .optional()
    .describe("Health check by ECS inside the container."),
  loadBalancer: target.optional().describe("Requests that the shared load balancer sends to this service."),
  daemon: z
    .boolean()
    .default(false)
    .describe("Whether every host runs exactly one task of the service. Daemons do not keep a host from scale-in."),
  desiredCount: wholeNumber(0, 5000).default(1).describe("Number of tasks, without `daemon` and `autoScaling`."),
  autoScaling: z
    .strictObject({
      min: wholeNumber(0, 5000).describe("Fewest tasks."),
      max: wholeNumber(1, 5000).describe("Most tasks."),
      cpuPercent: wholeNumber(1, 100).optional().describe("Average CPU use to aim for."),
      memoryPercent: wholeNumber(1, 100).optional().describe("Average memory use to aim for."),
      requestsPerTask: wholeNumber(1, 1_000_000).optional().describe("Requests per minute and task to aim for."),
    })
    .optional()
    .describe("Scales the number of tasks by use."),
  placement: placement.prefault({}).describe("Which hosts tasks run on."),
  deployment: z
    .strictObject({
      minHealthyPercent: wholeNumber(0, 100)
        .optional()
        .describe("Share of the wanted tasks that keep running. Left out: 100; with daemon 0."),
      maxPercent: wholeNumber(100, 200)
        .optional()
        .describe("Most tasks at once, old and new. Left out: 200; with daemon 100."),
    })
    .prefault({})
    .describe("How ECS replaces tasks with a new version. It rolls back a version that does not start."),
  deployedBy: oneOf(["terraform", "pipeline"])
    .default("terraform")
    .describe("`pipeline`: a pipeline deploys new task definitions, and this stack leaves them alone."),
  serviceConnect: z
    .strictObject({
      port: portName
        .optional()
        .describe("Port that others reach under the service's name. Left out: the service only calls others."),
    })
    .optional()
    .describe("Service Connect: services call each other by name in the cluster's namespace."),
  volumes: z.array(volume).default([]).describe("Volumes, of the host or EFS; with neither, an empty one per task."),
  executeCommand: z.boolean().default(false).describe("Whether operators may open a shell by ECS Exec."),
  statements: z.array(statement).default([]).describe("Rights of the tasks in AWS."),
});

/** One service of a cluster. */
export type ServiceConfig = z.output<typeof fields>;

const hasPort = (service: ServiceConfig, name: string | undefined) =>
  name === undefined || service.ports.some((each) => each.name === name);

const noSuchPort = (service: ServiceConfig) =>
  `must be one of the service's ports: ${service.ports.map(({ name }) => name).join(", ") || "it has no ports"}`;

const rules: readonly Rule<ServiceConfig>[] = [
  execRule("executeCommand"),
  {
    path: ["loadBalancer", "port"],
    reads: [["loadBalancer"], ["ports"]],
    check: (service) => (hasPort(service, service.loadBalancer?.port) ? undefined : noSuchPort(service)),
  },
  {
    path: ["serviceConnect", "port"],
    reads: [["serviceConnect"], ["ports"]],
    check: (service) => (hasPort(service, service.serviceConnect?.port) ? undefined : noSuchPort(service)),
  },
  {
    path: ["serviceConnect"],
    reads: [["serviceConnect"], ["networkMode"]],
    check: ({ serviceConnect, networkMode }) =>
      serviceConnect && networkMode === "host" ? "must be left out with networkMode host" : undefined,
  },
  {
    path: ["autoScaling"],
    reads: [["autoScaling"], ["daemon"], ["loadBalancer"]],
    check: ({ autoScaling: scaling, daemon, loadBalancer }) => {
      if (!scaling) return undefined;
      if (daemon) return "must be left out with daemon: every host runs one task";
      if (scaling.min > scaling.max) return "must have a min that is not more than its max";
      if (scaling.requestsPerTask !== undefined && !loadBalancer) return "needs loadBalancer for requestsPerTask";
      return scaling.cpuPercent === undefined &&
        scaling.memoryPercent === undefined &&
        scaling.requestsPerTask === undefined
        ? "must have one of cpuPercent, memoryPercent, requestsPerTask, or the service would never scale"
        : undefined;
    },
  },
  {
    path: ["ports"],
    reads: [["ports"], ["networkMode"]],
    check: ({ ports, networkMode }) =>
      new Set(ports.map(({ name }) => name)).size < ports.length
        ? "must not repeat a name"
        : ports.some(({ hostPort }) => hostPort !== undefined) && networkMode !== "bridge"
          ? "must have no hostPort unless networkMode is bridge: the host's port is the container's"
          : undefined,
  },
  {
    path: ["ingress"],
    reads: [["ingress"], ["networkMode"]],
    check: ({ ingress: all, networkMode }) =>
      all.length > 0 && networkMode === "bridge"
        ? "must be left out with networkMode bridge: each task gets another port of the host"
        : all.some(({ cidrs, services }) => (cidrs === undefined) === (services === undefined))
          ? "must each have either cidrs or services"
          : undefined,
  },
  {
    path: ["deployment"],
    reads: [["deployment"], ["daemon"]],
    check: ({ deployment: { minHealthyPercent, maxPercent }, daemon }) =>
      daemon && (maxPercent ?? 100) > 100
        ? "must not have a maxPercent above 100 with daemon: a host runs one task"
        : (minHealthyPercent ?? (daemon ? 0 : 100)) === (maxPercent ?? (daemon ? 100 : 200))
          ? "must leave room between minHealthyPercent and maxPercent, or ECS could not replace any task"
          : undefined,
  },
  {
    path: ["placement"],
    reads: [["placement"], ["daemon"]],
    check: ({ placement: { strategies, constraints }, daemon }) =>
      daemon && (strategies !== undefined || constraints.some(({ type }) => type === "distinctInstance"))
        ? "must have only memberOf constraints with daemon: every host runs one task"
        : undefined,
  },
];

/** The services of a cluster. */
export const services = z
  .array(withRules(fields, rules))
  .max(50)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, { error: "must not repeat a name" });
