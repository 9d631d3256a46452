import * as z from "zod";
import { type Architecture, text, uniqueList, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";

/** An EC2 instance type. */
export const instanceType = text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "an instance type such as m7i.large");

/** "The maximum number of instance types that can be associated with an Auto Scaling group is 40" (API Reference). */
const mostTypes = 40;
/** "Array Members: … Maximum number of 400 items" (EC2 Auto Scaling API Reference, InstanceRequirements), less our own. */
const mostExcluded = 350;

const byList = z.strictObject({
  types: uniqueList(instanceType, 1)
    .max(mostTypes, { error: `must be a list of at most ${mostTypes}: a group takes no more` })
    .describe("Instance types, the most wanted first."),
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

const byAttributes = (whose: string) =>
  z.strictObject({
    vcpus: range("vCPUs", 192).describe(`vCPUs of ${whose}.`),
    memoryMiB: range("MiB", 2_097_152).describe(`Memory of ${whose}.`),
    burstable: z.boolean().default(false).describe("Whether burstable types (t3, t4g, …) may be chosen."),
    excludedTypes: uniqueList(text(/^[a-z0-9*.-]{1,30}$/, "an instance type or a pattern such as m5*"))
      .max(mostExcluded, { error: `must be a list of at most ${mostExcluded}` })
      .default([])
      .describe("Types never to choose; `*` stands for anything."),
  });

/** Instance types of a group: a list, or requirements. @param whose the owner in descriptions, such as "a host" */
export function instances(whose: string) {
  return z.union([byList, byAttributes(whose)], {
    error: "must be either { types: … } or { vcpus: …, memoryMiB: … }",
  });
}

/** The error about instance types that cannot start an image, which is always of Linux. Arm types have a g after their generation: m7g, c6gn. */
export function explainTypes(types: readonly string[], architecture: Architecture): string | undefined {
  const mac = types.find((type) => type.startsWith("mac"));
  if (mac) return `must not have ${mac}: agents on macOS are not supported. See docs/requirements.md`;
  const isFor = (type: string): Architecture =>
    /^(?:a1|p6e-gb\d+|[a-z]+\d+g[a-z]*)\./.test(type) ? "arm64" : "x86_64";
  const wrong = types.find((type) => isFor(type) !== architecture);
  return wrong && `must be for architecture ${architecture}, and ${wrong} is not`;
}

/** Instances must be able to start their image. */
export const architectureRule: Rule<{ readonly architecture: Architecture; readonly instances: InstancesConfig }> = {
  path: ["instances"],
  reads: [["instances"], ["architecture"]],
  check: ({ instances, architecture }) =>
    "types" in instances ? explainTypes(instances.types, architecture) : undefined,
};

/** vCPUs by the size in a type's name; those of `metal` differ by family. As AWS names its types of today. */
const vcpusOfSize: Readonly<Record<string, number>> = { nano: 2, micro: 2, small: 2, medium: 2, large: 2, xlarge: 4 };

/** The most that one instance may have. What is not known, such as the memory of a type in a list, is `Infinity`. */
export function mostOf(wanted: InstancesConfig): { readonly vcpus: number; readonly memoryMiB: number } {
  if (!("types" in wanted)) {
    const { vcpus, memoryMiB } = wanted;
    return { vcpus: vcpus.max ?? Infinity, memoryMiB: memoryMiB.max ?? Infinity };
  }
  const vcpus = wanted.types.map((type) => {
    const size = type.split(".")[1] ?? "";
    const [, times] = /^(\d+)xlarge$/.exec(size) ?? [];
    return times === undefined ? (vcpusOfSize[size] ?? Infinity) : 4 * Number(times);
  });
  return { vcpus: Math.max(...vcpus), memoryMiB: Infinity };
}

/** See {@link instances}. */
export type InstancesConfig = z.output<ReturnType<typeof instances>>;

interface Gp3 {
  readonly sizeGiB: number;
  readonly iops: number;
  readonly throughputMiBps: number;
}

/** EC2 checks these limits only when an instance starts. The config checks them early. */
const gp3Rules: readonly Rule<Gp3>[] = [
  {
    path: ["iops"],
    reads: [["iops"], ["sizeGiB"]],
    check: ({ iops, sizeGiB }) =>
      iops > 500 * sizeGiB ? `must be at most ${500 * sizeGiB}: gp3 gives 500 for each GiB` : undefined,
  },
  {
    path: ["throughputMiBps"],
    reads: [["throughputMiBps"], ["iops"]],
    check: ({ iops, throughputMiBps }) =>
      throughputMiBps > iops / 4
        ? `must be at most ${Math.floor(iops / 4)}: gp3 gives 1 MiB/s for each 4 of its iops`
        : undefined,
  },
];

/** An instance's gp3 disk. @param whose the disk's owner in descriptions, such as "a host" */
export function gp3Disk(whose: string, { smallestGiB, usualGiB }: { smallestGiB: number; usualGiB: number }) {
  return withRules(
    z.strictObject({
      sizeGiB: wholeNumber(smallestGiB, 16_384).default(usualGiB).describe(`Size of ${whose}'s disk.`),
      iops: wholeNumber(3000, 16_000).default(3000).describe("Operations a second."),
      throughputMiBps: wholeNumber(125, 1000).default(125).describe("Throughput."),
    }),
    gp3Rules,
  );
}
