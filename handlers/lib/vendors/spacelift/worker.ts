import type { VendorAgent } from "../../core/ports.ts";
import type { Worker } from "./api.ts";

/** The EC2 instance that a worker says it runs on; `undefined` where it says nothing of the kind, as foreign ones may. */
export function instanceOf({ metadata }: Worker): string | undefined {
  if (typeof metadata !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(metadata);
    if (typeof parsed !== "object" || parsed === null || !("instance_id" in parsed)) return undefined;
    return typeof parsed.instance_id === "string" && parsed.instance_id !== "" ? parsed.instance_id : undefined;
  } catch {
    return undefined;
  }
}

/** A worker as the loop sees it. Everything but proof of idleness is busy; a drained worker may still have its run. */
export function vendorAgent(worker: Worker): VendorAgent {
  const { id, busy, drained, availableAt } = worker;
  const name = instanceOf(worker) ?? id;
  if (drained === true) return { id, name, state: "draining" };
  if (busy !== false || drained !== false) return { id, name, state: "busy" };
  return { id, name, state: "idle", idleSince: timeOf(availableAt) };
}

function timeOf(seconds: unknown): Date | undefined {
  const time = typeof seconds === "number" && seconds > 0 ? new Date(seconds * 1000) : undefined;
  return time && Number.isFinite(time.getTime()) ? time : undefined;
}
