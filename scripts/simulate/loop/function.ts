import type { Call } from "../../../handlers/lib/core/ports.ts";
import type { EventClock } from "../world/event-clock.ts";

/** The Lambda function of the loop. */
export interface LoopFunction {
  /** One invocation. A pass that fails is counted; the schedule calls again. */
  invoke(call: Call): void;
  readonly usage: { invocations: number; seconds: number; failures: number };
}

interface FunctionOptions<Container> {
  readonly clock: EventClock;
  readonly random: () => number;
  /** A cold start. */
  readonly start: () => Container;
  /** Rejects where the pass fails. `startedAt` is the start of the invocation, in seconds. */
  readonly run: (container: Container, call: Call, startedAt: number) => Promise<unknown>;
  readonly coldStarts: boolean;
  readonly onViolation: (what: string) => void;
}

/** Lambda ends the function then, as stacks/fleet-control.ts sets it. */
export const functionTimeoutSeconds = 300;

/** How long Lambda keeps a container: assumed, AWS does not say it. */
const containerSeconds = 7200;

/**
 * See {@link LoopFunction}. Each container runs one invocation at a time; one that comes meanwhile gets a container of
 * its own. A cold start takes 250 to 500 ms (measured), and is billed.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
export function createLoopFunction<Container>(options: FunctionOptions<Container>): LoopFunction {
  const { clock, random } = options;
  const idle: { readonly container: Container; readonly until: number }[] = [];
  const usage = { invocations: 0, seconds: 0, failures: 0 };
  return { usage, invoke: (call) => void invoke(call) };

  async function invoke(call: Call): Promise<void> {
    const startedAt = clock.seconds;
    usage.invocations += 1;
    let warm = options.coldStarts ? undefined : idle.pop();
    if (warm && warm.until < startedAt) warm = undefined;
    const container = warm?.container ?? options.start();
    if (!warm) await clock.sleep(250 + random() * 250);
    await options.run(container, call, startedAt).catch(() => {
      usage.failures += 1;
    });
    const seconds = clock.seconds - startedAt;
    usage.seconds += seconds;
    if (seconds > functionTimeoutSeconds) options.onViolation(`a pass ran for ${seconds} s, longer than its function`);
    if (!options.coldStarts) idle.push({ container, until: warm?.until ?? startedAt + containerSeconds });
  }
}
