import * as z from "zod";
import { agents, scaling } from "./agents.ts";
import { alarms } from "./alarms.ts";
import type { NetworkConfig } from "./network/network.ts";
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
      "Whether the functions that ask the vendor run in the fleet's network, for a vendor that only it reaches. It then " +
        "needs a NAT gateway, or endpoints of all services of AWS that they use: docs/network.md.",
    ),
});

/** What the config of every fleet has, whatever its agents run on; its `secrets` are those of the kind's
 * vendors. */
export const fleetFields = {
  agents: agents.prefault({}).describe("How many agents there are and how long each lives."),
  scaling: scaling.prefault({}).describe("How the loop moves towards what is wanted."),
  retirement: retirement
    .prefault({})
    .describe("How agents are taken out of fleets whose agents do not leave by themselves, and out of groups."),
  loop: loop.prefault({}).describe("Where the scaling loop runs."),
  alarms: alarms.prefault({}).describe("Who hears of trouble."),
};

/** What must hold in every fleet. */
export const fleetRules: readonly Rule<{
  readonly region: string;
  readonly alarms: z.output<typeof alarms>;
  readonly loop: z.output<typeof loop>;
  readonly network?: NetworkConfig | undefined;
}>[] = [
  functionsAreHere,
  {
    path: ["loop", "inNetwork"],
    reads: [["loop"], ["network"]],
    check: ({ loop: { inNetwork }, network = {} }) => {
      if (!inNetwork) return undefined;
      const isPublic =
        ("create" in network && network.create.egress === "public-ip") ||
        ("assignPublicIp" in network && network.assignPublicIp);
      return isPublic ? "must be false where agents have public IPs: functions get none, and no way out" : undefined;
    },
  },
];

/** Where a fleet's secrets come from; those that its vendor does not have are left out. */
type SecretSources = { readonly [Key in SecretKey]?: SecretSource | undefined } & {
  readonly recoveryWindowDays: number;
};

type Fields = z.output<z.ZodObject<typeof fleetFields>>;

/** See {@link fleetFields}. */
export type FleetFields = Omit<Fields, "agents"> & {
  readonly agents: Omit<Fields["agents"], "maxLifetimeSeconds">;
  readonly secrets: SecretSources;
};
