import * as autoscaling from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import * as ecs from "@aws-sdk/client-ecs";
import type { Definition } from "../../stacks/constructs/retirement/states-language.ts";
import { type Execution, execute } from "../fakes/step-functions.ts";
import type { AwsCall, AwsFront } from "./aws-front.ts";
import { ask } from "./aws-listings.ts";
import type { DeployedFunction } from "./lambda.ts";

/** An execution of a deployed state machine. */
export interface WorkflowExecution {
  /** The state machine's. */
  readonly machine: string;
  readonly name: string;
  readonly input: unknown;
  /** How it ended. `undefined`: it is running. */
  end: Execution | undefined;
}

/** The part of Step Functions that runs deployed state machines. */
export interface Workflows {
  /** In the order of their start. */
  readonly executions: readonly WorkflowExecution[];
  /** The AWS calls of the state machines, each with its own role. */
  calls(): readonly AwsCall[];
  /** Resolves when no execution is running. */
  settled(): Promise<void>;
}

/** The longest wait of a state machine in tests. Longer waits are cut to it. */
const mostWaitSeconds = 2;

interface Service {
  readonly errors: string;
  readonly commands: object;
  readonly client: new (options: object) => { send(command: object): Promise<unknown> };
}

/** AWS services that state machines call, with Step Functions' names for their errors. */
const services: Readonly<Record<string, Service>> = {
  autoscaling: { errors: "AutoScaling", commands: autoscaling, client: autoscaling.AutoScalingClient as never },
  ec2: { errors: "Ec2", commands: ec2, client: ec2.EC2Client as never },
  ecs: { errors: "Ecs", commands: ecs, client: ecs.ECSClient as never },
};

/**
 * Runs the executions that the front starts: an interpreter runs the deployed definition. Its Lambda
 * steps call the deployed functions, its other steps the front, with the state machine's role.
 *
 * @param at.start starts a deployed function by its name, or returns the running one.
 */
export function runWorkflows(at: {
  readonly front: AwsFront;
  readonly region: string;
  readonly start: (functionName: string) => Promise<DeployedFunction>;
}): Workflows {
  const { front, region } = at;
  const executions: WorkflowExecution[] = [];
  const invocations: AwsCall[] = [];
  const underWay = new Set<Promise<Execution>>();

  front.runMachine = async ({ name: machine, roleName, definition }, { name, input }) => {
    const execution: WorkflowExecution = { machine, name, input, end: undefined };
    executions.push(execution);
    const caller = `role:${roleName}`;
    const ended = execute(hurried(definition), input, (resource, parameters) => take(caller, resource, parameters));
    underWay.add(ended);
    execution.end = await ended;
    underWay.delete(ended);
    return execution.end.status;
  };

  async function take(caller: string, resource: string, parameters: Readonly<Record<string, unknown>>) {
    const [, functionName] = /:lambda:[^:]*:[^:]*:function:([^:]+)$/.exec(resource) ?? [];
    if (functionName !== undefined) {
      invocations.push({ caller, service: "lambda", operation: "Invoke", input: { FunctionName: functionName } });
      return (await at.start(functionName)).invoke(parameters);
    }
    if (resource.endsWith(":::sns:publish")) return publish(caller, parameters);
    const [, service = "", action = ""] = /:::aws-sdk:(\w+):(\w+)$/.exec(resource) ?? [];
    const known = services[service];
    if (!known) throw new Error(`say here how to call ${resource}`);
    return callService(known, action, caller, service === "ecs" ? withKeys(lower, parameters) : parameters);
  }

  async function callService(service: Service, action: string, caller: string, input: unknown): Promise<unknown> {
    const Command = Reflect.get(service.commands, `${upper(action)}Command`) as new (input: unknown) => object;
    const credentials = { accessKeyId: caller, secretAccessKey: "test" };
    const client = new service.client({ region, endpoint: front.url, credentials, maxAttempts: 1 });
    try {
      const { $metadata: _, ...answer } = (await client.send(new Command(input))) as Record<string, unknown>;
      return withKeys(upper, JSON.parse(JSON.stringify(answer)));
    } catch (error) {
      throw Object.assign(new Error(String(error)), { name: errorName(service.errors, error) });
    }
  }

  async function publish(caller: string, { Message, ...rest }: Readonly<Record<string, unknown>>): Promise<object> {
    const texts = { ...rest, Message: typeof Message === "string" ? Message : JSON.stringify(Message) };
    const body = new URLSearchParams({ Action: "Publish", Version: "2010-03-31", ...texts });
    await ask(front.url, region, "sns", "/", { method: "POST", body }, caller);
    return {};
  }

  return {
    executions,
    calls: () => [...invocations, ...front.calls.filter(({ caller }) => caller.startsWith("role:"))],
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

function hurried(definition: Definition): Definition {
  const states = Object.entries(definition.States).map(([name, state]) => {
    const { Type, Seconds } = state;
    return [name, Type === "Wait" ? { ...state, Seconds: Math.min(Number(Seconds), mostWaitSeconds) } : state];
  });
  return { ...definition, States: Object.fromEntries(states) };
}

/** Step Functions names errors by the class in the Java SDK. Errors without one have the service's own name. */
function errorName(service: string, error: unknown): string {
  const { name } = error as Error;
  const modelled = /^(\w+?)(?:Exception|Fault)$/.exec(name)?.[1] ?? service;
  return `${service}.${modelled}Exception`;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The same value with all property names capitalized, as Step Functions writes them. */
function withKeys(rename: (key: string) => string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => withKeys(rename, each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [rename(key), withKeys(rename, each)]));
}
