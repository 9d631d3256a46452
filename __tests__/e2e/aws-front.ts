import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Bridges, Forward } from "./front/bridge.ts";
import { codeBuildBridges } from "./front/codebuild.ts";
import { dynamoDbBridges } from "./front/dynamodb.ts";
import { ec2Bridges } from "./front/ec2.ts";
import { ecsTaskBridges } from "./front/ecs.ts";
import { ecsServiceBridges } from "./front/ecs-services.ts";
import { putEvent } from "./front/events.ts";
import {
  type Answer,
  type AwsCall,
  callOf,
  changedExchange,
  createForwarder,
  type Exchange,
  readBody,
} from "./front/exchange.ts";
import { groupBridges } from "./front/groups.ts";
import { imageBuilderBridges } from "./front/imagebuilder.ts";
import { lambdaBridges } from "./front/lambda.ts";
import { createLimits } from "./front/limits.ts";
import { s3Bridges } from "./front/s3.ts";
import { applicationScalingBridges } from "./front/scaling.ts";
import { sqsBridges } from "./front/sqs.ts";
import { type RunOnInstance, ssmBridges } from "./front/ssm.ts";
import { type RunMachine, stepFunctionsBridges } from "./front/step-functions.ts";

export type { AwsCall } from "./front/exchange.ts";

/** The AWS API of the deployments: moto, with some of its gaps closed. */
export interface AwsFront {
  readonly url: string;
  /** Calls of deployed functions and workflows, in order. */
  readonly calls: readonly AwsCall[];
  /** Called when a task has been started, with the input of `RunTask`. */
  onTaskStarted: ((launch: AwsCall["input"]) => void) | undefined;
  /** Called with every call of deployed functions and workflows, before it is carried out. */
  onCall: ((call: AwsCall) => void) | undefined;
  /** Executes state machines. Without it every execution fails at once. */
  runMachine: RunMachine | undefined;
  /** Whether EventBridge loses every notice. Else it delivers each twice. */
  losesNotices: boolean;
  /** Runs commands on instances. Without it no instance answers. */
  runOnInstance: RunOnInstance | undefined;
  /** By watched text: the services that it was sent to. */
  readonly toldTo: ReadonlyMap<string, ReadonlySet<string>>;
  close(): Promise<void>;
}

/** Starts the front. The folder `front` closes moto's gaps, service by service. */
export async function startAwsFront(moto: string, watchFor: readonly string[]): Promise<AwsFront> {
  const calls: AwsCall[] = [];
  const toldTo = new Map<string, Set<string>>(watchFor.map((text) => [text, new Set()]));
  const { forward, close: closeForwarder } = createForwarder(moto);
  const bridges: Bridges = {
    ...lambdaBridges(),
    ...ecsTaskBridges((launch) => front.onTaskStarted?.(launch)),
    ...ecsServiceBridges(),
    ...applicationScalingBridges(),
    ...groupBridges(async (event) => {
      // AWS attempts to send each, and no count is promised: https://docs.aws.amazon.com/eventbridge/latest/ref/event-delivery-level.html
      for (const _ of front.losesNotices ? [] : ["once", "again"]) await putEvent(moto, event);
    }),
    ...ec2Bridges(),
    ...codeBuildBridges(),
    ...dynamoDbBridges(),
    ...imageBuilderBridges(),
    ...s3Bridges(),
    ...sqsBridges(),
    ...ssmBridges(async (...command) => front.runOnInstance?.(...command)),
    ...stepFunctionsBridges(async (...call) => (await front.runMachine?.(...call)) ?? "FAILED"),
  };

  const limits = createLimits();

  async function handle(exchange: Exchange): Promise<Answer> {
    const call = callOf(exchange);
    const { caller, service, operation } = call;
    for (const [text, services] of toldTo) if (exchange.body.includes(text)) services.add(service);
    if (caller !== "test") {
      calls.push(call);
      front.onCall?.(call);
    }
    const refusal = limits.refusalOf(call);
    if (refusal) return refusal;
    const bridge = bridges[`${service}:${operation}`] ?? bridges[`${service}:*`];
    const answer = await (bridge ? bridge(call, forwardOf(exchange)) : forward(exchange));
    limits.note(call, answer);
    return answer;
  }

  function forwardOf(exchange: Exchange): Forward {
    return (changed) => forward(changed ? changedExchange(exchange, changed) : exchange);
  }

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = incoming;
    const answer = await handle({ method, path, headers, body: await readBody(incoming) });
    const { "transfer-encoding": _encoding, connection: _connection, ...kept } = answer.headers;
    response.writeHead(answer.status, { ...kept, "content-length": answer.body.byteLength }).end(answer.body);
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const front: AwsFront = {
    url: `http://127.0.0.1:${port}`,
    calls,
    toldTo,
    onTaskStarted: undefined,
    onCall: undefined,
    runMachine: undefined,
    losesNotices: false,
    runOnInstance: undefined,
    close() {
      closeForwarder();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
  return front;
}
