import { expect, it } from "vitest";
import * as z from "zod";
import { json } from "../../handlers/core/env.ts";

const schema = z.object({ LIMITS: json(z.strictObject({ max: z.number(), name: z.string() })) });
const limits = { max: 3, name: 'with "quotes", ünïcode and\nlines' };

it("carries a value through one environment variable", () => {
  const encoded = z.encode(schema, { LIMITS: limits });
  expect(typeof encoded.LIMITS).toBe("string");
  expect(z.decode(schema, encoded)).toEqual({ LIMITS: limits });
});

it("keeps strings that Terraform fills in later as they are", () => {
  const token = "$" + "{TfToken[TOKEN.7]}";
  expect(z.encode(schema, { LIMITS: { max: 1, name: token } }).LIMITS).toContain(token);
});

it.each([
  ["no JSON", "canary{", "is not JSON"],
  ["JSON of another shape", '{"max":"canary","name":"x"}', "expected number"],
  ["JSON with more than was asked for", '{"max":1,"name":"x","canary":1}', "canary"],
])("refuses %s and says why", (_, text, why) => {
  const result = schema.safeDecode({ LIMITS: text });
  expect(result.error?.issues.map(({ message }) => message).join()).toContain(why);
});
