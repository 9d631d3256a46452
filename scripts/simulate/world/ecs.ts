import {
  ECSClient,
  ECSServiceException,
  InvalidParameterException,
  type ListTasksRequest,
  type RunTaskRequest,
  type Tag,
  type Task,
} from "@aws-sdk/client-ecs";
import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** What ECS throws. */
interface Exception {
  readonly exception: string;
  readonly message: string;
  readonly status?: number;
}

/** What ECS says instead of starting a task: a failure in its answer, or an exception. */
export type Refusal = { readonly reason: string; readonly detail?: string } | Exception;

/** One call as ECS got it. */
export interface EcsCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * The part of ECS that fleets use, in memory. Tasks stay as they are until the test changes them; times are those of
 * the clock.
 */
export interface EcsFake {
  /** By ARN. Change them as time goes by. */
  readonly tasks: ReadonlyMap<string, Task>;
  readonly calls: readonly EcsCall[];
  /** Decides about each new task; `undefined` starts it. */
  refuse: ((request: RunTaskRequest) => Refusal | undefined) | undefined;
  /**
   * Whether the caller's policy lets it describe a task. ECS refuses a whole call for one task that it does not.
   *
   * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
   */
  mayDescribe: (task: Task) => boolean;
  /** Which of several subnets AWS takes for a task; by default the first. */
  chooseSubnet: (subnets: readonly string[]) => string | undefined;
  /** How long after its launch ListTasks first shows a task. */
  listingLagMilliseconds: (task: Task) => number;
  /** Puts a task there as if it had been launched, by default a running one. */
  add(task: Partial<Task> & { readonly family?: string }): Task;
  /** Does what is asked. Throws what a client would throw. */
  perform(call: EcsCall): object;
  /** No call shows the task any more: it stopped long ago. */
  forget(task: Task): void;
  /** Answers a request of the AWS SDK over HTTP. */
  answer(request: { readonly headers: Headers; readonly body: Buffer }): {
    readonly status: number;
    readonly json: unknown;
  };
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Credentials and region of every client in tests. */
const clientDefaults = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };

/** A client of ECS at `endpoint`. */
export function ecsClientAt(endpoint: string, options: { maxAttempts?: number } = {}): ECSClient {
  return new ECSClient({ ...clientDefaults, endpoint, maxAttempts: 1, ...options });
}

/** A client without a way over the wire: `perform` is called with every call. */
export function ecsClientOver(perform: (call: EcsCall) => Promise<object>): ECSClient {
  return Object.assign(new ECSClient(clientDefaults), {
    send: (command: { readonly input: object }) =>
      perform({ operation: operationOf(command.constructor), input: { ...command.input } }),
  });
}

const operationNames = new Map<object, string>();

function operationOf(command: { readonly name: string }): string {
  const known = operationNames.get(command);
  if (known !== undefined) return known;
  const name = command.name.replace(/Command$/, "");
  operationNames.set(command, name);
  return name;
}

/** See {@link EcsFake}. */
export function createEcsFake(clock: Clock, { remembersCalls = true, cluster = "ci" } = {}): EcsFake {
  const tasks = new Map<string, Task & { family: string }>();
  const calls: EcsCall[] = [];
  const tokens = new Map<string, { readonly input: string; readonly arn: string }>();
  let tasksMade = 0;

  const operations: Record<string, (input: never) => object> = {
    RunTask(input: RunTaskRequest) {
      const token = input.clientToken ?? "";
      if (token.length > 64) throw exception("InvalidParameterException", "clientToken must be at most 64 characters");
      const known = tokens.get(token);
      if (known && known.input !== JSON.stringify(input)) throw exception("ConflictException", "token used otherwise");
      if (known) return { tasks: [tasks.get(known.arn)], failures: [] };
      const refusal = fake.refuse?.(input);
      if (refusal && "exception" in refusal) throw exception(refusal.exception, refusal.message, refusal.status);
      if (refusal) return { tasks: [], failures: [refusal] };
      const task = fake.add({
        family: String(input.taskDefinition).replace(/^.*\/|:\d+$/g, ""),
        lastStatus: "PROVISIONING",
        overrides: input.overrides,
        ...placeOf(input, fake.chooseSubnet),
        ...(input.startedBy && { startedBy: input.startedBy }),
      });
      tokens.set(token, { input: JSON.stringify(input), arn: String(task.taskArn) });
      return { tasks: [{ ...task }], failures: [] };
    },

    ListTasks({ family, startedBy, desiredStatus = "RUNNING", maxResults = 100, nextToken = "0" }: ListTasksRequest) {
      if (startedBy && family) throw exception("InvalidParameterException", "startedBy must be the only filter");
      if (maxResults > 100) throw exception("InvalidParameterException", "maxResults must be at most 100");
      const now = clock.now().getTime();
      const arns: (string | undefined)[] = [];
      for (const task of tasks.values()) {
        if (task.desiredStatus !== desiredStatus) continue;
        if (startedBy ? task.startedBy !== startedBy : task.family !== family) continue;
        const shownAt = (task.createdAt?.getTime() ?? 0) + fake.listingLagMilliseconds(task);
        if (shownAt <= now) arns.push(task.taskArn);
      }
      const start = Number(nextToken);
      const next = start + maxResults;
      return { taskArns: arns.slice(start, next), ...(next < arns.length && { nextToken: String(next) }) };
    },

    DescribeTasks({ tasks: arns, include = [] }: { tasks: string[]; include?: string[] }) {
      if (arns.length === 0 || arns.length > 100) throw exception("InvalidParameterException", "1 to 100 tasks");
      const found = arns.flatMap((arn) => tasks.get(arn) ?? []);
      if (!found.every(fake.mayDescribe)) throw exception("AccessDeniedException", "not authorized");
      const failures = arns.filter((arn) => !tasks.has(arn)).map((arn) => ({ arn, reason: "MISSING" }));
      const shown = found.map((task) => (include.includes("TAGS") ? { ...task } : { ...task, tags: undefined }));
      return { tasks: shown, failures };
    },

    TagResource({ resourceArn: arn, tags }: { resourceArn: string; tags: Tag[] }) {
      const task = tasks.get(arn);
      if (!task || task.lastStatus === "STOPPED") {
        throw exception(
          "InvalidParameterException",
          "The specified task is inactive. Specify an active task and try again.",
        );
      }
      task.tags = [...(task.tags ?? []).filter(({ key }) => !tags.some((tag) => tag.key === key)), ...tags];
      return {};
    },

    StopTask({ task: arn, reason }: { task: string; reason: string }) {
      const task = tasks.get(arn);
      if (!task) throw exception("InvalidParameterException", "The referenced task was not found.");
      if (task.desiredStatus !== "STOPPED") {
        Object.assign(task, { desiredStatus: "STOPPED", stopCode: "UserInitiated", stoppedReason: reason });
      }
      return { task: { ...task } };
    },
  };

  const fake: EcsFake = {
    tasks,
    calls,
    refuse: undefined,
    mayDescribe: () => true,
    chooseSubnet: ([first]) => first,
    listingLagMilliseconds: () => 0,
    add({ family = "ci", ...task }) {
      tasksMade += 1;
      const added = {
        taskArn: `arn:aws:ecs:us-east-1:000000000000:task/${cluster}/${tasksMade}`,
        family,
        createdAt: clock.now(),
        lastStatus: "RUNNING",
        desiredStatus: "RUNNING",
        ...task,
      };
      tasks.set(added.taskArn, added);
      return added;
    },
    forget({ taskArn }) {
      tasks.delete(String(taskArn));
      for (const [token, { arn }] of tokens) if (arn === taskArn) tokens.delete(token);
    },
    perform(call) {
      if (remembersCalls) calls.push(call);
      const operation = operations[call.operation];
      if (!operation) throw exception("UnknownOperationException", call.operation);
      return operation(call.input as never);
    },
    answer({ headers, body }) {
      const operation = String(headers["x-amz-target"]).replace(/^AmazonEC2ContainerServiceV20141113\./, "");
      try {
        return { status: 200, json: toWire(fake.perform({ operation, input: JSON.parse(body.toString("utf8")) })) };
      } catch (error) {
        if (!(error instanceof ECSServiceException)) throw error;
        const status = error.$metadata.httpStatusCode ?? 500;
        return { status, json: { __type: error.name, message: error.message } };
      }
    },
  };
  return fake;
}

/**
 * As DescribeTasks shows it while the network interface is still to be made. A task on hosts has none before its host.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attachment.html
 */
function placeOf(input: RunTaskRequest, chooseSubnet: EcsFake["chooseSubnet"]): Partial<Task> {
  const capacityProviderName = input.capacityProviderStrategy?.[0]?.capacityProvider;
  const value = chooseSubnet(input.networkConfiguration?.awsvpcConfiguration?.subnets ?? []);
  const isFargate = capacityProviderName?.startsWith("FARGATE");
  const details = isFargate && value ? [{ name: "subnetId", value }] : [];
  const attachment = { type: "ElasticNetworkInterface", status: "PRECREATED", details };
  return { ...(capacityProviderName && { capacityProviderName }), attachments: [attachment] };
}

function exception(name: string, message: string, status = 400): ECSServiceException {
  const options = { message, $metadata: { httpStatusCode: status } };
  if (name === "InvalidParameterException") return new InvalidParameterException(options);
  return new ECSServiceException({ ...options, name, $fault: status < 500 ? "client" : "server" });
}

/** Times travel as seconds. */
function toWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toWire(part)]));
}
