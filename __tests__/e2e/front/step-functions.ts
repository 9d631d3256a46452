import validate from "asl-validator";
import * as z from "zod";
import type { Definition } from "../../../stacks/constructs/retirement/states-language.ts";
import { type Bridges, type Forward, jsonAnswer } from "./bridge.ts";
import { type Answer, type AwsCall, jsonOf } from "./exchange.ts";

/** A deployed state machine. */
export interface Machine {
  readonly name: string;
  /** Its role. */
  readonly roleName: string;
  readonly definition: Definition;
}

/** Executes a state machine. Resolves when the execution has ended, whether well or not. */
export type RunMachine = (
  machine: Machine,
  execution: { readonly name: string; readonly input: unknown },
) => Promise<"SUCCEEDED" | "FAILED" | "TIMED_OUT">;

interface Started {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  /** In seconds since 1970. */
  readonly startDate: number;
  readonly text: string;
  status: "RUNNING" | Awaited<ReturnType<RunMachine>>;
}

const start = z.object({ stateMachineArn: z.string(), name: z.string(), input: z.string() });
const list = z.object({ stateMachineArn: z.string(), statusFilter: z.string().optional() });
const asked = z.object({ executionArn: z.string() });
const described = z.object({ name: z.string(), roleArn: z.string(), definition: z.string() });

/** The form of an execution's name that Step Functions accepts. */
const executionName = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;

/**
 * Step Functions. moto does not:
 *
 * - validate definitions and list versions of state machines, which the provider calls;
 * - execute state machines; we do, by an interpreter, and tell of executions. Each name can be used once.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
 */
export function stepFunctionsBridges(run: RunMachine): Bridges {
  const executions = new Map<string, Started>();

  async function startExecution({ input }: AwsCall, forward: Forward): Promise<Answer> {
    const { stateMachineArn, name, input: text } = start.parse(input);
    if (!executionName.test(name)) return refusal("InvalidName", `Invalid name: '${name}'`);
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    const known = executions.get(executionArn);
    if (known && (known.status !== "RUNNING" || known.text !== text))
      return refusal("ExecutionAlreadyExists", `Execution Already Exists: '${executionArn}'`);
    const execution = known ?? {
      executionArn,
      stateMachineArn,
      name,
      startDate: Math.floor(Date.now() / 1000),
      text,
      status: "RUNNING",
    };
    if (!known) {
      executions.set(executionArn, execution);
      const machine = await forward({ operation: "DescribeStateMachine", input: { stateMachineArn } });
      if (machine.status >= 300) {
        executions.delete(executionArn);
        return machine;
      }
      void follow(machineOf(machine), execution);
    }
    return jsonAnswer(200, { executionArn, startDate: execution.startDate });
  }

  async function follow(machine: Machine, execution: Started): Promise<void> {
    execution.status = await run(machine, { name: execution.name, input: JSON.parse(execution.text) });
  }

  return {
    "states:ValidateStateMachineDefinition": async ({ input }) => jsonAnswer(200, validation(String(input.definition))),
    "states:ListStateMachineVersions": async () => jsonAnswer(200, { stateMachineVersions: [] }),
    "states:StartExecution": startExecution,
    "states:ListExecutions": async ({ input }) => {
      const { stateMachineArn, statusFilter } = list.parse(input);
      const wanted = [...executions.values()].filter(
        (each) =>
          each.stateMachineArn === stateMachineArn && (statusFilter === undefined || each.status === statusFilter),
      );
      return jsonAnswer(200, { executions: wanted.map(({ text: _, ...told }) => told) });
    },
    "states:DescribeExecution": async ({ input }) => {
      const { executionArn } = asked.parse(input);
      const execution = executions.get(executionArn);
      if (!execution) return refusal("ExecutionDoesNotExist", `Execution Does Not Exist: '${executionArn}'`);
      const { text, ...told } = execution;
      return jsonAnswer(200, { ...told, input: text });
    },
  };
}

function validation(definition: string): object {
  const { isValid, errorsText } = validate(JSON.parse(definition), { checkPaths: true, checkArn: true });
  const wrong = { severity: "ERROR", code: "SCHEMA_VALIDATION_FAILED", message: errorsText() };
  return { result: isValid ? "OK" : "FAIL", diagnostics: isValid ? [] : [wrong], truncated: false };
}

function machineOf({ body }: Answer): Machine {
  const { name, roleArn, definition } = described.parse(jsonOf(body));
  return { name, roleName: roleArn.split("/").at(-1) ?? "", definition: JSON.parse(definition) };
}

function refusal(type: string, message: string): Answer {
  return jsonAnswer(400, { __type: type, message });
}
