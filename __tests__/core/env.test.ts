import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { commaSeparated } from "../../handlers/core/env.ts";

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
