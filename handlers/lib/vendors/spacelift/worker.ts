import type { VendorAgent } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { Worker } from "./api.ts";

/** The fleet's group, as in its workers' metadata. */
type OwnGroup = Pick<SpaceliftRuntime, "group">;

/** The form of an instance id: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html. */
const instanceId = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Where a worker runs, as proven by its metadata. Our boot program writes `instance_id` and `asg_id`.
 *
 * - `matched`: on this instance. It names our group or no group.
 * - `foreign`: it names another group.
 * - `unmatched`: its machine is unknown and may be one of ours.
 */
export type Placement =
  | { readonly type: "matched"; readonly instance: string }
  | { readonly type: "foreign" }
  | { readonly type: "unmatched" };

/** See {@link Placement}. Only the exact form of an instance id counts: any other text could be one of our machines. */
export function placementOf({ metadata }: Worker, { group }: OwnGroup): Placement {
  const { instance_id: instance, asg_id: named } = fieldsOf(metadata);
  if (typeof named === "string" && groupName.test(named) && nameOf(named) !== group) return { type: "foreign" };
  if (typeof instance === "string" && instanceId.test(instance)) return { type: "matched", instance };
  return { type: "unmatched" };
}

/**
 * A worker as an agent of the loop. Without proof that it is idle, it is busy. A drained worker may still have a run.
 */
export function vendorAgent(worker: Worker, own: OwnGroup): VendorAgent {
  const { id, busy, drained, availableAt } = worker;
  const placement = placementOf(worker, own);
  const identity = {
    id,
    name: placement.type === "matched" ? placement.instance : id,
    ...(placement.type === "unmatched" && { unmatched: true }),
  };
  if (drained === true) return { ...identity, state: "draining" };
  if (busy !== false || drained !== false) return { ...identity, state: "busy" };
  return { ...identity, state: "idle", idleSince: timeOf(availableAt) };
}

/** A name or an ARN. Any other text names no group, so it proves nothing. */
const groupName = /^[\w.:/-]{1,255}$/;

/** Whether a group's name or ARN is that of the fleet's group. */
function nameOf(group: string): string | undefined {
  return group.split("/").at(-1);
}

function fieldsOf(metadata: unknown): { readonly instance_id?: unknown; readonly asg_id?: unknown } {
  if (typeof metadata !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(metadata);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function timeOf(seconds: unknown): Date | undefined {
  const time = typeof seconds === "number" && seconds > 0 ? new Date(seconds * 1000) : undefined;
  return time && Number.isFinite(time.getTime()) ? time : undefined;
}
