import * as z from "zod";
import { wholeNumber } from "./primitives.ts";

/** A fleet's public endpoint. @param enabled whether it has one, with the vendor's default and description */
export function webhook(enabled: z.ZodDefault<z.ZodBoolean>) {
  return z.strictObject({
    enabled,
    throttleRatePerSecond: wholeNumber(1, 10_000)
      .default(10)
      .describe("Requests per second that the endpoint accepts."),
    throttleBurst: wholeNumber(1, 5000).default(20).describe("Requests at once that the endpoint accepts."),
  });
}
