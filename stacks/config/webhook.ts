import * as z from "zod";
import { wholeNumber } from "./primitives.ts";

/** The throttle of a webhook that only wakes the loop. A message that it refuses costs a minute at most. */
const waking = { throttleRatePerSecond: 10, throttleBurst: 20 };
/**
 * The throttle of a webhook that is the only source of demand. HCP Terraform promises no second delivery, so a refused
 * message may cost a job its agent: strangers need many more requests to get there.
 */
const onlySource = { throttleRatePerSecond: 200, throttleBurst: 400 };

/**
 * A fleet's public endpoint.
 *
 * @param enabled whether it has one, with the vendor's default and description
 * @param mode the vendor's mode in which its messages are the only source of demand, if there is one
 */
export function webhook(enabled: z.ZodDefault<z.ZodBoolean>, mode?: string) {
  const leftOut = (key: keyof typeof waking) =>
    `Left out: ${waking[key]}${mode === undefined ? "" : `, or ${onlySource[key]} with ${mode}`}.`;
  return z.strictObject({
    enabled,
    throttleRatePerSecond: wholeNumber(1, 10_000)
      .optional()
      .describe(`Requests per second that each path of the endpoint accepts. ${leftOut("throttleRatePerSecond")}`),
    throttleBurst: wholeNumber(1, 5000)
      .optional()
      .describe(`Requests at once that each path of the endpoint accepts. ${leftOut("throttleBurst")}`),
  });
}

/** The throttle of an endpoint. @param isOnlySource whether demand comes from its messages alone */
export function throttleOf(
  { throttleRatePerSecond, throttleBurst }: z.output<ReturnType<typeof webhook>>,
  isOnlySource: boolean,
): typeof waking {
  const fitting = isOnlySource ? onlySource : waking;
  return {
    throttleRatePerSecond: throttleRatePerSecond ?? fitting.throttleRatePerSecond,
    throttleBurst: throttleBurst ?? fitting.throttleBurst,
  };
}
