import * as z from "zod";
import { agents, scaling } from "./agents.ts";
import { alarms } from "./alarms.ts";
import { chatIsHere } from "./chat.ts";
import type { CommonConfig } from "./common.ts";
import { explainRuntime, lambdaRuntimes } from "./lambda-runtime.ts";
import type { NetworkConfig } from "./network/network.ts";
import { oneOf } from "./primitives.ts";
import { retirement } from "./retirement.ts";
import type { Rule } from "./rules.ts";
import type { SecretSource } from "./secrets.ts";
import { functionsAreHere } from "./subscriptions.ts";
import type { SecretKey } from "./vendors/index.ts";

const loop = z.strictObject({
  inNetwork: z
    .boolean()
    .default(false)
    .describe(
      "Whether the functions that call the vendor run in the fleet's network, for a vendor in a private network. It then " +
        "needs a NAT gateway, or endpoints for all AWS services that they use: docs/network.md.",
    ),
  runtime: oneOf(lambdaRuntimes)
    .optional()
    .describe(
      "Lambda runtime of the fleet's functions. Left out: nodejs24.x, or nodejs22.x if `providers.aws` allows a version " +
        "below 6.19.0, which may not know nodejs24.x. AWS supports nodejs22.x until 2027-04-30.",
    ),
});

/** Keys that every kind of fleet has. Its `secrets` are those of the kind's vendors. */
export const fleetFields = {
  agents: agents.prefault({}).describe("The size of the fleet and the lifetime of its agents."),
  scaling: scaling.prefault({}).describe("How fast the loop adds and removes agents."),
  retirement: retirement
    .prefault({})
    .describe("How the fleet retires agents that do not leave by themselves, and instances of groups."),
  loop: loop.prefault({}).describe("Where and on which runtime the fleet's functions run."),
  alarms: alarms.prefault({}).describe("Receivers of the fleet's alarms, and its limits."),
};

/** Rules for every fleet. */
export const fleetRules: readonly Rule<{
  readonly region: string;
  readonly providers: CommonConfig["providers"];
  readonly alarms: z.output<typeof alarms>;
  readonly loop: z.output<typeof loop>;
  readonly network?: NetworkConfig | undefined;
}>[] = [
  functionsAreHere,
  chatIsHere,
  {
    path: ["loop", "inNetwork"],
    reads: [["loop"], ["network"]],
    check: ({ loop: { inNetwork }, network = {} }) => {
      if (!inNetwork) return undefined;
      const isPublic =
        ("create" in network && network.create.egress === "public-ip") ||
        ("assignPublicIp" in network && network.assignPublicIp);
      return isPublic
        ? "must be false where agents have public IPs: functions get no public IP, so they cannot reach the internet"
        : undefined;
    },
  },
  { path: ["loop", "runtime"], reads: [["loop"], ["providers"]], check: explainRuntime },
];

/** Sources of a fleet's secrets, without those that its vendor does not have. */
type SecretSources = { readonly [Key in SecretKey]?: SecretSource | undefined } & {
  readonly recoveryWindowDays: number;
};

type Fields = z.output<z.ZodObject<typeof fleetFields>>;

/** See {@link fleetFields}. */
export type FleetFields = Omit<Fields, "agents"> & {
  readonly agents: Omit<Fields["agents"], "maxLifetimeSeconds">;
  readonly secrets: SecretSources;
};
