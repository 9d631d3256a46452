import * as z from "zod";
import { text, uniqueList, wholeNumber } from "./primitives.ts";
import { withRules } from "./rules.ts";

const instanceType = text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "an instance type such as m7i.large");

const byList = z.strictObject({
  types: uniqueList(instanceType, 1).describe("Instance types, the most wanted first."),
});

const range = (what: string, max: number) =>
  withRules(
    z.strictObject({
      min: wholeNumber(1, max).describe(`At least this many ${what}.`),
      max: wholeNumber(1, max).optional().describe(`At most this many ${what}.`),
    }),
    [
      {
        path: ["max"],
        reads: [["min"], ["max"]],
        check: ({ min, max: most }) =>
          most !== undefined && most < min ? `must not be less than min, which is ${min}` : undefined,
      },
    ],
  );

const byAttributes = z.strictObject({
  vcpus: range("vCPUs", 192).describe("vCPUs of a host."),
  memoryMiB: range("MiB", 2_097_152).describe("Memory of a host."),
  burstable: z.boolean().default(false).describe("Whether burstable types (t3, t4g, …) may be chosen."),
  excludedTypes: uniqueList(text(/^[a-z0-9*.-]{1,30}$/, "an instance type or a pattern such as m5*"))
    .default([])
    .describe("Types never to choose; `*` stands for anything."),
});

/** What instances of a group are: a list of types, or what they must have. */
export const instances = z.union([byList, byAttributes], {
  error: "must be either { types: … } or { vcpus: …, memoryMiB: … }",
});

/** See {@link instances}. */
export type InstancesConfig = z.output<typeof instances>;
