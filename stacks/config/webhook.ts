import * as z from "zod";
import { wholeNumber } from "./primitives.ts";

/** A fleet's public endpoint. @param enabled whether it has one, with the vendor's default and description */
export function webhook(enabled: z.ZodDefault<z.ZodBoolean>) {
  return z.strictObject({
    enabled,
    throttleRatePerSecond: wholeNumber(1, 10_000).default(10).describe("Requests a second that the endpoint lets in."),
    throttleBurst: wholeNumber(1, 5000).default(20).describe("Requests that it lets in at once."),
  });
}
