import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { commaSeparated, json } from "../../../../handlers/lib/core/env.ts";

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

const item = fc.stringMatching(/^[\w-]+$/);
const items = fc.array(item, { minLength: 1 });

describe("a list that travels as text", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(items, (list) => {
        expect(z.decode(commaSeparated, z.encode(commaSeparated, list))).toEqual(list);
      }),
    );
  });

  it("comes back in its items where one item was several: how Terraform's lists get through", () => {
    fc.assert(
      fc.property(items, item, (inner, last) => {
        const encoded = z.encode(commaSeparated, [inner.join(","), last]);
        expect(z.decode(commaSeparated, encoded)).toEqual([...inner, last]);
      }),
    );
  });

  it.each(["", ","])("is never empty: %j is refused", (text) => {
    expect(z.safeDecode(commaSeparated, text).success).toBe(false);
  });
});
