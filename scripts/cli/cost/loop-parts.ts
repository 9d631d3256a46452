import { monthHours, type Prices } from "../../prices/index.ts";
import type { TerraformStack } from "../lib/terraform-json.ts";
import type { Line } from "./line.ts";

/**
 * How much a loop does; the numbers are assumed, on the high side. A quiet fleet that a webhook wakes is looked at once a
 * minute, a busy one and one without a webhook every `tickSeconds`. Each look is one short call of the function.
 */
const work = {
  looksPerHourIfWoken: 60,
  secondsPerLook: 1,
  writesPerLook: 3,
  readsPerLook: 3,
  /** KiB of log lines and metrics that one look writes. */
  logKibPerLook: 2,
  /** Messages of a vendor for each agent-hour. */
  webhookRequestsPerAgentHour: 10,
} as const;

const million = 1_000_000;
const kibPerGib = 1024 * 1024;

/**
 * What the loop, its table, its log and the webhook cost. The number of looks is an estimate: nobody knows how long jobs
 * will queue.
 *
 * @param busyHours hours of the month in which jobs run or wait
 */
export function loopLines(
  made: TerraformStack,
  prices: Prices,
  use: { readonly busyHours: number; readonly agentHours: number },
): readonly Line[] {
  const { usage } = prices;
  const loop = [...made.resources("aws_lambda_function").values()].find(({ function_name: name }) =>
    String(name).endsWith("-autoscale"),
  );
  if (loop === undefined) return [];
  const busy = Math.min(monthHours, use.busyHours);
  const quiet = monthHours - busy;
  const { TICK_SECONDS: tickSeconds = "10" } = variablesOf(loop);
  const hasApi = made.resources("aws_apigatewayv2_api").size > 0;
  const ticksPerHour = 3600 / Number(tickSeconds);
  const looks = quiet * (hasApi ? work.looksPerHourIfWoken : ticksPerHour) + busy * ticksPerHour;
  const seconds = looks * work.secondsPerLook;
  const gibSeconds = (seconds * Number(loop.memory_size ?? 512)) / 1024;
  const line = (name: string, amount: number, unit: Line["unit"], price: number): Line => {
    const count = unit === "million" ? amount / million : amount;
    return { name, count, unit, unitPrice: price, perMonth: count * price };
  };
  const hasTable = made.resources("aws_dynamodb_table").size > 0;
  const requests = use.agentHours * work.webhookRequestsPerAgentHour;
  return [
    line("Lambda of the loop", gibSeconds, "GiB-second", usage.lambdaGibSecond),
    line("calls of the loop", looks, "million", usage.millionInvocations),
    ...(hasTable
      ? [
          line("writes to DynamoDB", looks * work.writesPerLook, "million", usage.millionWrites),
          line("reads of DynamoDB", looks * work.readsPerLook, "million", usage.millionReads),
        ]
      : []),
    line("logs of the loop", (looks * work.logKibPerLook) / kibPerGib, "GiB", usage.logGib),
    ...(hasApi && requests > 0 ? [line("requests to the webhook", requests, "million", usage.millionRequests)] : []),
  ];
}

function variablesOf(block: { readonly environment?: unknown }): { readonly TICK_SECONDS?: string } {
  return (block.environment as { variables?: object } | undefined)?.variables ?? {};
}
