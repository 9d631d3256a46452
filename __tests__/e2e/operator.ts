import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fleetProcess } from "../scripts/cli/harness.ts";
import type { Deployment } from "./deployment.ts";
import { type DeployedFunction, startDeployedFunction } from "./lambda.ts";
import { root } from "./toolchain.ts";

/** An operator of deployed fleets: starts their functions and uses the CLI. */
export interface Operator {
  /** The CLI's output. */
  readonly logs: readonly string[];
  readonly functions: readonly DeployedFunction[];
  /** Starts a function of a stack, or returns the running one. */
  start(name: string, stack: string): Promise<DeployedFunction>;
  /** Starts it once more beside the running one, as Lambda does when it is invoked meanwhile. */
  startBeside(name: string, stack: string): Promise<DeployedFunction>;
  /** Runs `fleet`, as a user does after the deployment. */
  fleet(
    args: readonly string[],
    given?: { env?: Record<string, string>; stdin?: string },
  ): ReturnType<typeof fleetProcess>;
  /** The AWS calls of a function. */
  callsOf(target: DeployedFunction, operation?: string): Deployment["front"]["calls"];
  close(): Promise<void>;
}

/** An operator of all deployed stacks. `env` are the CLI's variables in addition to those for AWS. */
export function createOperator(
  deployment: Deployment,
  { region, env = {} }: { readonly region: string; readonly env?: Readonly<Record<string, string>> },
): Operator {
  const starts = new Map<string, Promise<DeployedFunction>>();
  const functions: DeployedFunction[] = [];
  const logs: string[] = [];
  const { front } = deployment;

  async function startFunction(name: string, stack: string): Promise<DeployedFunction> {
    const started = await startDeployedFunction(name, {
      stackFolder: deployment.stackFolder(stack),
      workFolder: join(deployment.folder, "functions", String(functions.length)),
      region,
      endpoint: front.url,
    });
    functions.push(started);
    return started;
  }

  return {
    logs,
    functions,
    start(name, stack) {
      const started = starts.get(name) ?? startFunction(name, stack);
      starts.set(name, started);
      return started;
    },
    startBeside: startFunction,
    async fleet(args, given = {}) {
      const aws = { AWS_ENDPOINT_URL: front.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
      const settings = { AGENT_FLEETS_CONFIG: deployment.configFolder, ...env };
      const outcome = await fleetProcess(args, { ...given, cwd: root, env: { ...aws, ...settings, ...given.env } });
      logs.push(outcome.stdout, outcome.stderr);
      return outcome;
    },
    callsOf(target, operation) {
      const ours = front.calls.filter(({ caller }) => caller === target.name);
      return operation === undefined ? ours : ours.filter((call) => call.operation === operation);
    },
    async close() {
      for (const each of functions) await each.close();
    },
  };
}

/** Has the loop look, whatever it does. A call of the schedule does nothing while the loop's own next look is to come. */
export const wakeUp = { source: "wake-up" };

/** Runs a function again and again until stopped, with shorter pauses than the loop's own. */
export function scheduled(target: DeployedFunction, event: unknown = wakeUp) {
  let on = true;
  const done = (async () => {
    while (on) {
      await target.invoke(event);
      if (on) await setTimeout(3_000);
    }
  })();
  done.catch(() => {});
  return {
    stop() {
      on = false;
      return done;
    },
  };
}

/** Waits until the loop has reached a state. If it does not, the error contains the loop's last log lines. */
export async function until(
  what: string,
  loop: DeployedFunction,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 600_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}\n${loop.logs.slice(-3_000)}`);
    await setTimeout(100);
  }
}

/** The loop asks only for a retirement that ends so soon that no list has shown it. */
export const onlySometimes = "autoscale DescribeExecution";

interface LoggedDecision {
  readonly queued: number;
  readonly running: number;
  readonly supply: number;
  readonly reason: string;
  /** Names of agents that run and that the vendor does not list. */
  readonly unseen: readonly string[];
}

/** A decision of a loop, from its log. */
export function decisionsOf(target: DeployedFunction): LoggedDecision[] {
  const lines = target.logs.split("\n");
  return lines.filter((line) => line.includes('"message":"decision"')).map((line) => JSON.parse(line));
}
