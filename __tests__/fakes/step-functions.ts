import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { vi } from "vitest";
import type { Definition } from "../../stacks/constructs/retirement/states-language.ts";

// The interpreter is written for Node 22.
Object.assign(Promise, {
  withResolvers: () => {
    let settle: unknown[] = [];
    const promise = new Promise((...functions) => {
      settle = functions;
    });
    const [resolve, reject] = settle;
    return { promise, resolve, reject };
  },
});

/** Answers a task's call. Throws errors with Step Functions' names. */
export type CallTask = (resource: string, parameters: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** How an execution ended. */
export interface Execution {
  readonly status: "SUCCEEDED" | "FAILED" | "TIMED_OUT";
  readonly cause: string | undefined;
  /** The states it went through, in order. */
  readonly states: readonly string[];
  /** How many events its history would have at AWS. */
  readonly events: number;
}

/**
 * Executes a definition by an interpreter of the Amazon States Language. Another test checks that it is valid.
 * Waits and retries use the test's timers, which must be faked.
 */
export async function execute(definition: Definition, input: unknown, callTask: CallTask): Promise<Execution> {
  const machine = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true },
  });
  const tasks = Object.entries(definition.States).filter(([, { Type }]) => Type === "Task");
  const handlers = tasks.map(([name, { Resource }]) => [
    name,
    async (parameters: unknown) => ((await callTask(String(Resource), parameters as never)) ?? {}) as never,
  ]);
  const context = {
    Execution: { Id: "arn:aws:states:us-west-2:111122223333:execution:ci-retire:test" },
    State: {
      get EnteredTime() {
        return new Date().toISOString();
      },
    },
  };
  const { result, eventLogs } = machine.run(JSON.parse(JSON.stringify(input)), {
    overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) },
    context: context as unknown as NonNullable<RunOptions["context"]>,
  });
  const states: string[] = [];
  // ExecutionStarted, and how it ended.
  let events = 2;
  const history = (async () => {
    for await (const event of eventLogs) {
      if (event.type === "StateEntered") states.push(event.state.name);
      if (event.type === "StateEntered" || event.type === "StateExited" || event.type === "StateCaught") events += 1;
      // Scheduled, started, ended: of each attempt.
      const attempt = event.type === "StateEntered" || event.type === "StateRetried";
      if (attempt && event.state.type === "Task") events += 3;
    }
  })();
  const end = await result.then(
    () => ({ status: "SUCCEEDED", cause: undefined }) as const,
    (error: Error) => ({
      status: error.name === "ExecutionTimeoutError" ? ("TIMED_OUT" as const) : ("FAILED" as const),
      cause: error.message,
    }),
  );
  await history;
  return { ...end, states, events };
}

/** Lets faked time pass until a promise is settled. Resolves and rejects like the promise. */
export async function passTimeUntil<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  for (;;) {
    await vi.advanceTimersByTimeAsync(0);
    if (settled) return promise;
    await vi.advanceTimersToNextTimerAsync();
  }
}
