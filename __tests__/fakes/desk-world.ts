import type { Task } from "@aws-sdk/client-ecs";
import { logDecision, recordTick } from "../../handlers/autoscale/report.ts";
import { drainReport } from "../../handlers/lib/core/drain-report.ts";
import type { Agent, AgentState, Demand } from "../../handlers/lib/core/model.ts";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import { decide } from "../../handlers/lib/core/scaling.ts";
import { type AsgFake, createAsgFake } from "../../scripts/simulate/world/asg.ts";
import { createEcsFake, type EcsFake } from "../../scripts/simulate/world/ecs.ts";
import { settingsTable } from "../../stacks/config/names.ts";
import { vendors } from "../../stacks/config/vendors/index.ts";
import { policyOf } from "../fixtures/policy.ts";
import { startAwsSecretsFake } from "./aws-secrets.ts";
import { createFakeClock, type FakeClock } from "./clock.ts";
import { type AwsCall, AwsRefusal, answerAws } from "./desk-aws.ts";
import {
  account,
  configs,
  environmentOf,
  fleetName,
  nameVariable,
  region,
  retiringPolicy,
  settingsOf,
  type WorldKind,
  workflow,
} from "./desk-fleets.ts";
import { type HttpFake, startHttpFake } from "./http-fake.ts";
import { createLogFake, createMetricsFake } from "./log.ts";
import { createSettingsTableFake, type SettingsTableFake } from "./settings-table.ts";

/** A retirement as Step Functions shows it. */
interface FakeExecution {
  readonly name: string;
  status: "RUNNING" | "FAILED" | "TIMED_OUT" | "ABORTED";
  readonly startedAt: Date;
  stoppedAt?: Date;
  readonly input: object;
  error?: string;
  cause?: string;
  /** Newest first. */
  readonly events: readonly object[];
}

/** A line in a log group. */
interface FakeLine {
  readonly group: string;
  readonly stream: string;
  readonly at: Date;
  readonly text: string;
  readonly id: string;
}

const linesPerPage = 40;

/**
 * The part of AWS that `fleet status`, `doctor` and `logs` read, over HTTP on loopback, with one deployed fleet in it.
 * Everything of the fleet is healthy until a test changes it.
 */
export interface DeskWorld {
  readonly http: HttpFake;
  readonly clock: FakeClock;
  readonly env: Readonly<Record<string, string>>;
  /** The fleet's config file. */
  readonly config: string;
  readonly calls: readonly AwsCall[];
  readonly ecs: EcsFake;
  readonly group: AsgFake;
  /** Changes to the usual policy. Setting them deploys the rows of all pools anew. */
  policy: Partial<Policy>;
  /** The rows of pools and operators. */
  readonly settings: SettingsTableFake;
  /** What Lambda says of the loop's function; `undefined`: there is none. */
  loop: Record<string, unknown> | undefined;
  concurrency: number | undefined;
  rule: { State: string; targets: readonly string[] } | undefined;
  /** What has Lambda receive the calls for next looks; `undefined`: nothing does. */
  source: { State: string; StateTransitionReason: string; LastProcessingResult?: string } | undefined;
  /** Messages that wait in each queue, by its name, and a KMS key on it. */
  readonly queues: Map<string, { waiting: number; key?: string }>;
  alarms: { name: string; state: string; section?: string; reason?: string; actions?: boolean }[];
  subscriptions: { protocol: string; endpoint: string; arn: string }[];
  executions: FakeExecution[];
  /** The pushed image, in seconds since 1970; `undefined`: ECR has none. */
  imagePushedAt: number | undefined;
  image: string;
  /** By their keys. */
  readonly items: Map<string, Record<string, unknown>>;
  readonly secrets: Map<string, string>;
  readonly groups: Set<string>;
  lines: FakeLine[];
  /** An action that AWS refuses this identity. */
  readonly denied: Set<string>;
  secondsAgo(seconds: number): Date;
  /** Adds a line that arrives now, whatever its time. */
  log(group: string, at: Date, text: string | object, stream?: string): void;
  /** The loop observes this and decides. */
  decide(seen: Seen): void;
  /** The loop's report of a pool under a drain. */
  reportDrain(
    secondsAgo: number,
    agents: readonly Pick<Agent, "name" | "capacityId" | "state" | "role">[],
    poolName?: string,
  ): void;
  /** The loop's memory of a pool. */
  remember(document: object, poolName?: string): void;
  addTask(name: string, task?: Partial<Task> & { readonly family?: string }): Task;
  close(): Promise<void>;
}

/** What a look of the loop sees. */
interface Seen {
  /** In a world of several pools. */
  readonly pool?: "linux" | "large";
  readonly secondsAgo?: number;
  readonly queued?: number;
  readonly running?: number;
  readonly waitedSeconds?: number;
  readonly demand?: Partial<Demand>;
  readonly states?: Partial<Record<AgentState, readonly string[]>>;
  readonly foreign?: number;
  readonly circuitOpenSince?: Date;
}

/** Starts a world. Close it in the end. */
export async function startDeskWorld(kind: WorldKind = "tasks"): Promise<DeskWorld> {
  const clock = createFakeClock();
  const secondsAgo = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000);
  const ecs = createEcsFake(clock);
  const group = createAsgFake(clock, { min: 0, max: 10 }, { name: fleetName, idsFrom: 0 });
  const kept = await startAwsSecretsFake();
  const settings = createSettingsTableFake(settingsTable(fleetName));
  let policy: Partial<Policy> = {};
  const calls: AwsCall[] = [];
  let lineIds = 0;

  const world: DeskWorld = {
    clock,
    calls,
    ecs,
    group,
    secondsAgo,
    config: configs[kind],
    settings,
    get policy() {
      return policy;
    },
    set policy(changes) {
      policy = changes;
      for (const [pool, row] of settingsOf(kind, changes)) settings.putPool(pool, row);
    },
    loop: { State: "Active", LastUpdateStatus: "Successful", LastModified: "2025-12-01T00:00:00.000+0000" },
    concurrency: undefined,
    source: { State: "Enabled", StateTransitionReason: "USER_INITIATED" },
    queues: new Map(["next-looks", "dead-letters"].map((suffix) => [`${fleetName}-${suffix}`, { waiting: 0 }])),
    rule: { State: "ENABLED", targets: [`arn:aws:lambda:${region}:${account}:function:${fleetName}-autoscale`] },
    alarms: ["loop-failing", "queue-wait", "circuit-open"].map((name) => ({ name, state: "OK" })),
    subscriptions: [{ protocol: "email", endpoint: "ops@example.com", arn: `arn:aws:sns:${region}:${account}:t:1` }],
    executions: [],
    imagePushedAt: secondsAgo(3 * 86_400).getTime() / 1000,
    image: kind === "tasks" ? `${account}.dkr.ecr.${region}.amazonaws.com/${fleetName}:current` : "ami-1",
    items: new Map(),
    secrets: kept.secrets,
    groups: new Set(),
    lines: [],
    denied: new Set(),
    http: await startHttpFake((request) => answerAws(request, perform)),
    get env() {
      return { ...kept.env, AWS_ENDPOINT_URL: this.http.url, AWS_REGION: "us-east-1" };
    },
    log(name, at, text, stream = "stream") {
      lineIds += 1;
      world.groups.add(name);
      const said = typeof text === "string" ? text : JSON.stringify(text);
      world.lines.push({ group: name, stream, at, text: `${said}\n`, id: String(lineIds) });
    },
    remember(document, poolName = fleetName) {
      const stored = { recentlyWanted: [1], missingSince: {}, circuit: {}, ...document };
      world.items.set(`document loop ${poolName}`, { document: { S: JSON.stringify(stored) } });
    },
    reportDrain(ago, agents, poolName = fleetName) {
      const shown = agents.map((agent) => ({ ...agent, id: agent.capacityId, launchedAt: secondsAgo(600) }));
      const document = JSON.stringify(drainReport.encode({ at: secondsAgo(ago), agents: shown }));
      world.items.set(`document drain ${poolName}`, { document: { S: document } });
    },
    decide: (seen) => logLook(world, seen),
    addTask(name, task = {}) {
      const environment = [
        { name: nameVariable, value: name },
        { name: "AGENT_FLEETS_ROLE", value: "burst" },
      ];
      return ecs.add({
        family: fleetName,
        startedBy: "agent-fleets",
        createdAt: secondsAgo(600),
        startedAt: secondsAgo(570),
        availabilityZone: `${region}a`,
        capacityProviderName: "FARGATE",
        overrides: { containerOverrides: [{ name: "agent", environment }] },
        attachments: [{ details: [{ name: "privateIPv4Address", value: "10.40.0.7" }] }],
        tags: [{ key: "AgentFleetsRegistered", value: "true" }],
        ...task,
      });
    },
    close: async () => {
      await Promise.all([world.http.close(), kept.close()]);
    },
  };

  function perform(call: AwsCall): object {
    calls.push(call);
    const { action, input } = call;
    if (world.denied.has(action)) throw denial(action);
    const [service = "", operation = ""] = action.split(":");
    if (action === "ec2:DescribeInstances") return withPlaces(group.perform({ operation, input }));
    const own = operations[action];
    if (own) return own(input as never);
    if (service === "ecs") return ecs.perform({ operation, input });
    if (service === "autoscaling" || service === "ec2") return group.perform({ operation, input });
    throw new AwsRefusal("UnknownOperationException", action);
  }

  const operations: Readonly<Record<string, (input: never) => object>> = {
    "lambda:GetFunctionConfiguration": () => {
      if (!world.loop) throw new AwsRefusal("ResourceNotFoundException", "Function not found", 404);
      const FunctionArn = `arn:aws:lambda:${region}:${account}:function:${fleetName}-autoscale`;
      return { FunctionArn, Environment: { Variables: environmentOf(kind) }, ...world.loop };
    },
    "lambda:GetFunctionConcurrency": () => ({ ReservedConcurrentExecutions: world.concurrency }),
    "lambda:ListEventSourceMappings": () => {
      const EventSourceArn = `arn:aws:sqs:${region}:${account}:${fleetName}-next-looks`;
      const release = { UUID: "1", EventSourceArn: `${EventSourceArn}-of-others`, State: "Disabled" };
      return {
        EventSourceMappings: [release, ...(world.source ? [{ UUID: "2", EventSourceArn, ...world.source }] : [])],
      };
    },
    "sqs:GetQueueAttributes": ({ QueueUrl }: { QueueUrl: string }) => {
      const queue = world.queues.get(QueueUrl.split("/").at(-1) ?? "");
      if (!queue) throw new AwsRefusal("QueueDoesNotExist", "The specified queue does not exist.");
      const { waiting, key } = queue;
      return { Attributes: { ApproximateNumberOfMessages: String(waiting), ...(key && { KmsMasterKeyId: key }) } };
    },
    "events:DescribeRule": ({ Name }: { Name: string }) => {
      if (!world.rule || Name !== `${fleetName}-every-minute`) {
        throw new AwsRefusal("ResourceNotFoundException", `Rule ${Name} does not exist on EventBus default.`);
      }
      return { Name, State: world.rule.State };
    },
    "events:ListTargetsByRule": () => ({ Targets: (world.rule?.targets ?? []).map((Arn) => ({ Id: "1", Arn })) }),
    "dynamodb:GetItem": ({ Key }: { Key: { key: { S: string } } }) => ({ Item: world.items.get(Key.key.S) }),
    "dynamodb:Query": (input) => {
      const headers = { "x-amz-target": "DynamoDB_20120810.Query" };
      const answer = settings.answer({
        method: "POST",
        path: "/",
        query: new URLSearchParams(),
        headers,
        body: Buffer.from(JSON.stringify(input)),
      });
      if (!answer) throw new AwsRefusal("ResourceNotFoundException", "Requested resource not found");
      return answer.json as object;
    },
    "cloudwatch:DescribeAlarms": ({ AlarmNamePrefix }: { AlarmNamePrefix: string }) => ({
      MetricAlarms: [...world.alarms.map((alarm) => ({ prefix: fleetName, ...alarm })), neighbour]
        .filter(({ prefix }) => `${prefix}-`.startsWith(AlarmNamePrefix))
        .map(({ prefix, name, state, section = name, reason = "Threshold Crossed", actions = true }) => ({
          AlarmName: `${prefix}-${name}`,
          AlarmDescription: `Something happened. What to do: docs/runbook.md#${section}`,
          StateValue: state,
          StateReason: reason,
          StateTransitionedTimestamp: secondsAgo(240),
          ActionsEnabled: actions,
          AlarmActions: ["arn"],
        })),
    }),
    "sns:ListSubscriptionsByTopic": ({ TopicArn, NextToken = "0" }: { TopicArn: string; NextToken?: string }) => {
      if (TopicArn !== `arn:aws:sns:${region}:${account}:${fleetName}-alarms`) {
        throw new AwsRefusal("NotFound", "Topic does not exist", 404);
      }
      // One a page: callers must read all pages.
      const at = Number(NextToken);
      const page = world.subscriptions.slice(at, at + 1);
      return {
        Subscriptions: page.map(({ protocol, endpoint, arn }) => ({
          SubscriptionArn: arn,
          Protocol: protocol,
          Endpoint: endpoint,
          TopicArn,
        })),
        NextToken: at + 1 < world.subscriptions.length ? String(at + 1) : undefined,
      };
    },
    "ecs:DescribeTaskDefinition": () => ({
      taskDefinition: { containerDefinitions: [{ name: "agent", image: world.image }] },
    }),
    "ecr:DescribeImages": () => {
      if (world.imagePushedAt === undefined) throw new AwsRefusal("ImageNotFoundException", "no such image");
      return { imageDetails: [{ imagePushedAt: world.imagePushedAt }] };
    },
    "ec2:DescribeImages": ({ ImageIds }: { ImageIds: string[] }) => ({
      Images: ImageIds.map((ImageId) => ({ ImageId, CreationDate: secondsAgo(9 * 86_400).toISOString() })),
    }),
    "states:ListExecutions": ({ statusFilter }: { statusFilter: string }) => ({
      executions: world.executions
        .filter(({ status }) => status === statusFilter)
        .map(({ name, status, startedAt: startDate, stoppedAt: stopDate }) => ({
          executionArn: `${workflow}:${name}`,
          name,
          status,
          startDate,
          stopDate,
        })),
    }),
    "states:DescribeExecution": (input: { executionArn: string }) => {
      const { startedAt: startDate, input: given, status, error, cause } = executionOf(input.executionArn);
      return { executionArn: input.executionArn, startDate, status, input: JSON.stringify(given), error, cause };
    },
    "states:GetExecutionHistory": (input: { executionArn: string; reverseOrder: boolean }) => {
      if (!input.reverseOrder) throw new AwsRefusal("InvalidToken", "the newest events come first");
      return { events: executionOf(input.executionArn).events };
    },
    "logs:DescribeLogGroups": ({ logGroupNamePrefix: prefix }: { logGroupNamePrefix: string }) => ({
      logGroups: [...world.groups].filter((name) => name.startsWith(prefix)).map((logGroupName) => ({ logGroupName })),
    }),
    "logs:GetLogEvents": (input: {
      logGroupName: string;
      logStreamName: string;
      startFromHead: boolean;
      limit: number;
    }) => {
      const found = world.lines.filter(
        (line) => line.group === input.logGroupName && line.stream === input.logStreamName,
      );
      if (found.length === 0)
        throw new AwsRefusal("ResourceNotFoundException", "The specified log stream does not exist.");
      if (input.startFromHead) throw new AwsRefusal("InvalidParameterException", "the newest lines are wanted");
      return { events: found.slice(-input.limit).map(({ at, text }) => ({ timestamp: at.getTime(), message: text })) };
    },
    "logs:FilterLogEvents": (input: {
      logGroupName: string;
      startTime?: number;
      endTime?: number;
      logStreamNames?: string[];
      filterPattern?: string;
      nextToken?: string;
    }) => {
      if (!world.groups.has(input.logGroupName)) {
        throw new AwsRefusal("ResourceNotFoundException", "The specified log group does not exist.");
      }
      const streamsThere = new Set(
        world.lines.filter((line) => line.group === input.logGroupName).map(({ stream }) => stream),
      );
      if (input.logStreamNames?.some((stream) => !streamsThere.has(stream))) {
        throw new AwsRefusal("ResourceNotFoundException", "The specified log stream does not exist.");
      }
      const { startTime = 0, endTime = Number.POSITIVE_INFINITY, logStreamNames: streams, nextToken } = input;
      const found = world.lines
        .filter(({ group: name, at, stream, text }) => {
          const isInTime = at.getTime() >= startTime && at.getTime() <= endTime;
          const isThere = name === input.logGroupName && isInTime && (streams?.includes(stream) ?? true);
          return isThere && (input.filterPattern === undefined || isRefused(text));
        })
        .sort((a, b) => a.at.getTime() - b.at.getTime());
      // The first page is empty although more follow.
      const from = nextToken === undefined ? 0 : Number(nextToken);
      const events = (nextToken === undefined ? [] : found.slice(from, from + linesPerPage)).map(
        ({ id, at, stream, text }) => ({
          eventId: id,
          timestamp: at.getTime(),
          logStreamName: stream,
          message: text,
        }),
      );
      const next = nextToken === undefined ? 0 : from + linesPerPage;
      return { events, ...(next < found.length && { nextToken: String(next) }) };
    },
  };

  const executionOf = (arn: string) => {
    const found = world.executions.find(({ name }) => arn.endsWith(`:${name}`));
    if (!found) throw new AwsRefusal("ExecutionDoesNotExist", arn);
    return found;
  };

  world.policy = {};
  beHealthy(world, kind);
  return world;
}

/** What the group's fake leaves out, as DescribeInstances has it. */
function withPlaces(answer: object): object {
  const { Reservations } = answer as { Reservations: { Instances: object[] }[] };
  const place = {
    InstanceType: "m7i.large",
    ImageId: "ami-1",
    PrivateIpAddress: "10.40.0.9",
    Placement: { AvailabilityZone: `${region}b` },
  };
  return {
    Reservations: Reservations.map(({ Instances }) => ({
      Instances: Instances.map((instance) => ({ ...instance, ...place })),
    })),
  };
}

/** A stack whose name begins with the fleet's. */
const neighbour = {
  prefix: `${fleetName}-two`,
  name: "loop-failing",
  state: "ALARM",
  section: "loop-failing",
  reason: "of another stack",
  actions: true,
};

/** The only pattern that is asked for: refusals of the webhook. */
function isRefused(text: string): boolean {
  return /"status":"[45]/.test(text);
}

function denial(action: string): AwsRefusal {
  const message = `User: arn:aws:iam::${account}:user/x is not authorized to perform: ${action} on resource: *`;
  return new AwsRefusal(action.startsWith("ec2:") ? "UnauthorizedOperation" : "AccessDeniedException", message, 400);
}

/** A fleet of two agents, one at work, that has decided a minute ago and just now. */
function beHealthy(world: DeskWorld, kind: WorldKind): void {
  const vendor = { tasks: "hcp-terraform", instances: "spacelift", pools: "azure-devops" } as const;
  for (const { name } of Object.values(vendors[vendor[kind]].secrets))
    world.secrets.set(`agent-fleets/${fleetName}/${name}`, "canary");
  world.remember({});
  world.groups.add(`/agent-fleets/${fleetName}/webhook-access`);
  world.groups.add(`/aws/lambda/${fleetName}-retire`);
  if (kind === "pools") {
    for (const pool of ["linux", "large"] as const) {
      const poolName = `${fleetName}.${pool}`;
      world.addTask(`${poolName}_a`, { family: `${fleetName}_${pool}` });
      world.remember({}, poolName);
      world.alarms.push({ name: `${pool}-queue-wait`, state: "OK", section: "queue-wait" });
      for (const secondsAgo of [65, 5]) world.decide({ pool, secondsAgo, states: { idle: [`${poolName}_a`] } });
    }
    return;
  }
  const ids = ["a", "b"].map((suffix) => {
    if (kind === "tasks") return world.addTask(`${fleetName}_${suffix}`) && `${fleetName}_${suffix}`;
    world.group.group.desired += 1;
    return world.group.add({ launchTime: world.secondsAgo(600), tags: { AgentFleetsRegistered: "true" } }).id;
  });
  if (kind === "instances") world.group.group.suspended.AZRebalance = "User suspended at …";
  const states = { busy: ids.slice(0, 1), idle: ids.slice(1) };
  for (const secondsAgo of [65, 5]) world.decide({ secondsAgo, running: 1, states });
}

function basePolicy({ config }: DeskWorld): Partial<Policy> {
  return config === configs.tasks ? {} : retiringPolicy;
}

/** What the real loop would log of such a look. */
function logLook(world: DeskWorld, seen: Seen): void {
  const { secondsAgo = 5, queued = 0, running = 0, states = {}, waitedSeconds = 0, foreign = 0 } = seen;
  const at = world.secondsAgo(secondsAgo);
  const oldestQueuedAt = new Date(at.getTime() - waitedSeconds * 1000);
  const agents = Object.entries(states).flatMap(([state, names]) =>
    names.map((name) => ({
      name,
      capacityId: name,
      state: state as AgentState,
      role: "burst" as const,
      launchedAt: world.secondsAgo(600),
    })),
  );
  const snapshot = {
    demand: { queued, running, ...(queued > 0 && { oldestQueuedAt }), ...seen.demand },
    vendorShowsAgents: true,
    agents,
    launches: [],
    circuit: { openSince: seen.circuitOpenSince },
    recentlyWanted: [],
  };
  const policy = policyOf({ ...basePolicy(world), ...world.policy });
  const decision = decide(snapshot, policy, at);
  const log = createLogFake();
  const metrics = createMetricsFake();
  const observation = { snapshot, foreign, waits: [] };
  const poolName = seen.pool === undefined ? fleetName : `${fleetName}.${seen.pool}`;
  logDecision({ log, poolName }, observation, decision);
  const clock = { now: () => at, sleep: () => Promise.resolve() };
  const outcome = { launched: 0, launchFailures: 0, retirementsStarted: 0, vendorApiErrors: 0, errors: [] };
  recordTick({ clock, metrics }, { observation, decision, outcome, startedAt: at, paused: false, max: policy.max });
  const group = `/aws/lambda/${fleetName}-autoscale`;
  for (const { level, message, fields } of log.lines) {
    const line = { level: level.toUpperCase(), message, timestamp: at.toISOString(), service: fleetName, ...fields };
    world.log(group, at, line);
  }
  for (const values of metrics.records) {
    const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: "Count" }));
    const _aws = { Timestamp: at.getTime(), CloudWatchMetrics: [{ Namespace: "AgentFleets", Metrics }] };
    world.log(group, at, { _aws, Fleet: fleetName, ...(seen.pool && { Pool: seen.pool }), ...values });
  }
}
