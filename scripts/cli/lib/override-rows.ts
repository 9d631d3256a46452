import { overrideId } from "../../../handlers/lib/core/overrides.ts";
import { explain, UserError } from "./errors.ts";
import type { FleetTable } from "./fleet-table.ts";
import { type FleetInForce, idsOf } from "./in-force.ts";

/**
 * Ends the drains of a fleet and of its pools, or that of one pool, and gives Auto Scaling groups their floor back.
 *
 * @returns whether there was one
 * @throws UserError if the whole fleet is being drained and only one pool was to be let go
 */
export async function endDrains(fleet: FleetTable, before: FleetInForce, key: string | undefined): Promise<boolean> {
  const { overrides, pools } = before;
  if (key !== undefined && overrides.has(overrideId("drain", undefined))) {
    throw new UserError(
      `The whole fleet ${fleet.stack} is being drained, not pool ${key} alone.`,
      `To end that: fleet drain ${fleet.stack} --undo. Nothing was changed.`,
    );
  }
  const ids = key === undefined ? idsOf("drain", before) : [overrideId("drain", key)];
  const rows = ids.filter((id) => overrides.has(id));
  if (rows.length === 0) return false;
  const { removeOverride } = await import("./override-store.ts");
  for (const id of rows) await removeOverride(fleet, { id, seen: overrides.get(id) });
  const { setGroupFloor } = await import("../drain/group-floor.ts");
  try {
    for (const { pool, settings } of pools) {
      if (key === undefined || pool === key) await setGroupFloor(fleet, settings, "stack");
    }
  } catch (error) {
    throw new UserError(
      `The drain has ended, but the Auto Scaling group has no floor of its own yet: ${explain(error).error}`,
      `The loop keeps agents.min meanwhile. Deploy the stack to give it back: fleet deploy ${fleet.stack}`,
    );
  }
  return true;
}
