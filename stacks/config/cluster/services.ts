import * as z from "zod";
import { variableName, volume } from "../compute/container.ts";
import { containerImage } from "../compute/image.ts";
import { oneOf, regionalArn, secretReference, text, uniqueList, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import { allowedCidrs } from "./balancer.ts";

const serviceName = text(
  /^[a-z](?:[a-z0-9-]{0,16}[a-z0-9])?$/,
  "1 to 18 lower-case letters, digits and hyphens, starting with a letter (IAM's 64 also hold the stack's name)",
);
const portNumber = wholeNumber(1, 65_535);
const portName = text(/^[a-z][a-z0-9-]{0,62}$/, "a lower-case name such as http");

const port = z.strictObject({
  name: portName.describe("What other keys call this port."),
  containerPort: portNumber.describe("Where the container listens."),
  hostPort: portNumber
    .optional()
    .describe("A fixed port of the host, with networkMode bridge. Left out: any free one."),
  protocol: oneOf(["tcp", "udp"]).default("tcp").describe("Transport."),
});

const placement = z.strictObject({
  strategies: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("random").describe("Anywhere.") }),
        z.strictObject({
          type: z.literal("binpack").describe("On as few hosts as possible."),
          field: oneOf(["cpu", "memory"]).describe("By what is left of this."),
        }),
        z.strictObject({
          type: z.literal("spread").describe("As evenly as possible."),
          field: text(/^(?:instanceId|host|attribute:[\w.:-]+)$/, "instanceId or attribute:…").describe("Over this."),
        }),
      ]),
    )
    .max(5)
    .optional()
    .describe("Where tasks go, first strategy first. Left out: spread over zones, then over hosts."),
  constraints: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("distinctInstance").describe("At most one task a host.") }),
        z.strictObject({
          type: z.literal("memberOf").describe("Only hosts for which an expression holds."),
          expression: text(/^\S.{0,1999}$/, "an expression of ECS's cluster query language").describe(
            "Such as `attribute:ecs.instance-type =~ m7g.*`.",
          ),
        }),
      ]),
    )
    .max(10)
    .default([])
    .describe("What must hold wherever a task goes."),
});

const statement = z.strictObject({
  actions: uniqueList(
    text(/^[a-z0-9-]+:[A-Za-z]+$/, "one action such as s3:GetObject, without a wildcard"),
    1,
  ).describe("What the task may do."),
  resources: uniqueList(text(/^(?:arn:\S+|\*)$/, "an ARN, or * where AWS knows no resource"), 1).describe("To what."),
});

const ingress = z.strictObject({
  from: wholeNumber(0, 65_535).describe("First port."),
  to: wholeNumber(0, 65_535).optional().describe("Last port. Left out: the first alone."),
  protocol: oneOf(["tcp", "udp"]).default("tcp").describe("Transport."),
  cidrs: allowedCidrs.optional().describe("IPv4 ranges that may connect."),
  services: uniqueList(serviceName, 1)
    .optional()
    .describe("Services of this stack that may connect; its own among them."),
});

const target = z.strictObject({
  port: portName.describe("Which of the service's ports."),
  protocol: oneOf(["http", "https"]).default("http").describe("What the balancer speaks with the tasks."),
  hosts: uniqueList(text(/^[A-Za-z0-9*?.-]{1,128}$/, "a host name, which may have * and ?"))
    .default([])
    .describe("Host names of this service."),
  paths: uniqueList(text(/^\/\S{0,127}$/, "a path, which may have * and ?"))
    .default([])
    .describe("Paths of this service. With neither hosts nor paths it takes what no other service does."),
  priority: wholeNumber(1, 50_000).optional().describe("Order of the rules. Left out: that of the services."),
  healthPath: text(/^\/\S{0,1023}$/, "a path such as /healthz")
    .default("/")
    .describe("Where health is asked for."),
  healthCodes: text(/^[0-9]{3}(?:[,-][0-9]{3})*$/, "HTTP codes such as 200 or 200-299,429")
    .default("200")
    .describe("Answers that mean healthy."),
  healthIntervalSeconds: wholeNumber(5, 300).default(15).describe("Between two questions."),
  healthGraceSeconds: wholeNumber(0, 3600).default(60).describe("Time that a new task has to become healthy."),
  deregistrationDelaySeconds: wholeNumber(0, 3600)
    .default(300)
    .describe("How long a leaving task may finish its requests."),
});

const fields = z.strictObject({
  name: serviceName.describe("Name of the service."),
  image: containerImage.describe("Container image, pinned by tag or digest."),
  repositoryCredentialsArn: regionalArn("secretsmanager", "secret:[\\w/+=.@!-]+", "the ARN of a Secrets Manager secret")
    .optional()
    .describe("Secret with user name and password of a private registry."),
  cpu: wholeNumber(0, 196_608).default(256).describe("CPU units that are kept for a task; 1024 are one vCPU."),
  memoryMiB: wholeNumber(6, 2_097_152).default(512).describe("Memory of a task, and its limit."),
  entryPoint: z.array(z.string()).min(1).optional().describe("Instead of the image's own entry point."),
  command: z.array(z.string()).min(1).optional().describe("Instead of the image's own command."),
  user: text(/^[\w.:-]{1,64}$/, "a user, or user:group")
    .optional()
    .describe("Instead of the image's own user."),
  networkMode: oneOf(["awsvpc", "bridge", "host"])
    .default("awsvpc")
    .describe("`awsvpc`: an address and a security group per task; the others share the host's."),
  pidMode: oneOf(["host"]).optional().describe("Lets the container see the host's processes."),
  capabilities: uniqueList(text(/^[A-Z_]{3,32}$/, "a Linux capability such as IPC_LOCK"))
    .default([])
    .describe("Linux capabilities beside Docker's own."),
  readonlyRootFilesystem: z.boolean().default(false).describe("Whether the container may write to its volumes only."),
  stopTimeoutSeconds: wholeNumber(2, 172_800).default(30).describe("Between SIGTERM and SIGKILL."),
  ports: z.array(port).max(100).default([]).describe("Ports of the container."),
  ingress: z.array(ingress).default([]).describe("Who else may connect, beside the load balancer."),
  environment: z.record(variableName, z.string()).default({}).describe("Environment variables. Not for secrets."),
  secrets: z.record(variableName, secretReference).default({}).describe("Environment variables from secrets, by ARN."),
  healthCheck: z
    .strictObject({
      command: z.array(z.string()).min(1).describe("Command in the container; exit code 0 means healthy."),
      intervalSeconds: wholeNumber(5, 300).default(30).describe("Between two checks."),
      timeoutSeconds: wholeNumber(2, 60).default(5).describe("How long a check may take."),
      retries: wholeNumber(1, 10).default(3).describe("Failures in a row that mean unhealthy."),
      startPeriodSeconds: wholeNumber(0, 300).default(0).describe("Time in which failures do not count."),
    })
    .optional()
    .describe("ECS's own health check."),
  loadBalancer: target.optional().describe("What the shared load balancer sends to this service."),
  daemon: z.boolean().default(false).describe("Whether every host runs one task of it."),
  desiredCount: wholeNumber(0, 5000).default(1).describe("Tasks, where neither `daemon` nor `autoScaling` decides."),
  autoScaling: z
    .strictObject({
      min: wholeNumber(0, 5000).describe("Never fewer tasks."),
      max: wholeNumber(1, 5000).describe("Never more tasks."),
      cpuPercent: wholeNumber(1, 100).optional().describe("Average CPU to keep."),
      memoryPercent: wholeNumber(1, 100).optional().describe("Average memory to keep."),
      requestsPerTask: wholeNumber(1, 1_000_000).optional().describe("Requests a minute and task to keep."),
    })
    .optional()
    .describe("Scales the number of tasks."),
  placement: placement.prefault({}).describe("On which hosts tasks go."),
  deployment: z
    .strictObject({
      minHealthyPercent: wholeNumber(0, 100)
        .optional()
        .describe("Tasks that stay, of those wanted. Left out: 100, of a daemon 0."),
      maxPercent: wholeNumber(100, 200)
        .optional()
        .describe("Tasks at once, old and new. Left out: 200, of a daemon 100."),
    })
    .prefault({})
    .describe("How a new version comes. One that does not start is rolled back."),
  deployedBy: oneOf(["terraform", "pipeline"])
    .default("terraform")
    .describe("`pipeline`: others deploy new task definitions, and this stack leaves theirs alone."),
  serviceConnect: z
    .strictObject({
      port: portName.optional().describe("Port to offer under the service's name. Left out: it only calls others."),
    })
    .optional()
    .describe("Service Connect: services call each other by name in the cluster's namespace."),
  volumes: z.array(volume).default([]).describe("Volumes, of the host or EFS; with neither, an empty one per task."),
  executeCommand: z.boolean().default(false).describe("Whether operators may open a shell by ECS Exec."),
  statements: z.array(statement).default([]).describe("What the tasks may do in AWS."),
});

/** One service of a cluster. */
export type ServiceConfig = z.output<typeof fields>;

const hasPort = (service: ServiceConfig, name: string | undefined) =>
  name === undefined || service.ports.some((each) => each.name === name);

const noSuchPort = (service: ServiceConfig) =>
  `must be one of the service's ports: ${service.ports.map(({ name }) => name).join(", ") || "it has none"}`;

const rules: readonly Rule<ServiceConfig>[] = [
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
        ? "must have one of cpuPercent, memoryPercent, requestsPerTask: without, nothing would ever scale"
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
          ? "must have no hostPort unless networkMode is bridge: it is the container's"
          : undefined,
  },
  {
    path: ["ingress"],
    reads: [["ingress"], ["networkMode"]],
    check: ({ ingress: all, networkMode }) =>
      all.length > 0 && networkMode === "bridge"
        ? "must be left out with networkMode bridge: ports of the host change with every task"
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
          ? "must leave room between minHealthyPercent and maxPercent, or no task could be replaced"
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
