import * as z from "zod";

/**
 * A list that travels as text, joined by commas. An item may itself be such a text, and comes back as its items: so a
 * list that only Terraform knows, as one token, gets through.
 */
export const commaSeparated = z.codec(z.string(), z.array(z.string()).min(1), {
  decode: (text) => text.split(",").filter((item) => item !== ""),
  encode: (items) => items.join(","),
});

/**
 * A value that travels as JSON in one environment variable. Encoded by the stack at synth time (Terraform tokens in
 * strings survive), decoded by the handler at cold start. The schema may hold no transform.
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

/** A value of which some fields are others. What differs travels as it is encoded, so that is how it is put in. */
export function withChanges<T extends z.ZodType>(
  schema: T,
  common: z.output<T>,
  own: Readonly<Record<string, unknown>>,
): z.output<T> {
  return schema.parse({ ...(schema.encode(common) as object), ...own });
}
