import * as z from "zod";

/**
 * A list encoded as text, joined by commas. An item may itself be such a text, and is decoded into its items. So a list
 * that only Terraform knows can be encoded as one token.
 */
export const commaSeparated = z.codec(z.string(), z.array(z.string()).min(1), {
  decode: (text) => text.split(",").filter((item) => item !== ""),
  encode: (items) => items.join(","),
});

/**
 * A value encoded as JSON in one environment variable. The stack encodes it at synth time (Terraform tokens in strings
 * survive), the handler decodes it at cold start. The schema must not contain transforms.
 */
export function json<T extends z.ZodType>(schema: T) {
  return z.codec(z.string(), schema, {
    decode: (text, context) => {
      try {
        return JSON.parse(text) as z.input<T>;
      } catch {
        context.issues.push({ code: "custom", message: "is not JSON", input: text });
        return z.NEVER;
      }
    },
    encode: (value) => JSON.stringify(value),
  });
}

/** A value with some fields replaced. Differences are stored encoded, so this replaces encoded fields. */
export function withChanges<T extends z.ZodType>(
  schema: T,
  common: z.output<T>,
  own: Readonly<Record<string, unknown>>,
): z.output<T> {
  return schema.parse({ ...(schema.encode(common) as object), ...own });
}
