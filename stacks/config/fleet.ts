import type * as z from "zod";
import { agents, scaling } from "./agents.ts";
import { alarms } from "./alarms.ts";
import { retirement } from "./retirement.ts";
import type { secretsOf } from "./secrets.ts";

/** What the config of every fleet has, whatever its agents run on; its `secrets` are those of the kind's
 * vendors. */
export const fleetFields = {
  agents: agents.prefault({}).describe("How many agents there are and how long each lives."),
  scaling: scaling.prefault({}).describe("How the loop moves towards what is wanted."),
  retirement: retirement
    .prefault({})
    .describe("How agents are taken out of fleets whose agents do not leave by themselves, and out of groups."),
  alarms: alarms.prefault({}).describe("Who hears of trouble."),
};

type Fields = z.output<z.ZodObject<typeof fleetFields & { secrets: ReturnType<typeof secretsOf> }>>;

/** See {@link fleetFields}. */
export type FleetFields = Omit<Fields, "agents"> & { readonly agents: Omit<Fields["agents"], "maxLifetimeSeconds"> };
