import { expect, it } from "vitest";
import { fleetName, type WorldKind } from "../../../fakes/desk-fleets.ts";
import type { DeskWorld } from "../../../fakes/desk-world.ts";
import { closeDesks, openDesk } from "./world.ts";

/** What `fleet doctor --json` prints. */
export interface Findings {
  readonly healthy: boolean;
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly what: string;
    readonly evidence: readonly string[];
    readonly todo: string;
    readonly runbook: string | null;
  }[];
}

/** The log group of the loop. */
export const loopLog = `/aws/lambda/${fleetName}-autoscale`;
/** The first agent of a world of tasks. */
export const agentA = `${fleetName}_a`;

/** Makes a failure, and returns what doctor says. */
export async function diagnosed(kind: WorldKind, make: (world: DeskWorld) => void) {
  const { world, run } = await openDesk(kind);
  make(world);
  const { code, stdout, stderr } = await run("doctor", "--json");
  if (stdout === "") throw new Error(stderr);
  return { code, stdout, ...(JSON.parse(stdout) as Findings) };
}

/** The line of the loop's log after a failed pass. */
export function failPass(world: DeskWorld, error: object, message = "the invocation failed"): void {
  world.log(loopLog, world.secondsAgo(2), { level: "ERROR", message, timestamp: "", service: fleetName, error });
}

/** An error of a vendor's client as the loop logs it. */
export const vendorError = (kind: string, message: string) => ({ name: "VendorApiError", kind, message });
/** Its first agent has a job. */
export const busy = { busy: [agentA] };

/** A stopped task with AWS's reason. */
export function stopTask(world: DeskWorld, secondsAgo: number, changes: object): void {
  world.addTask(`${fleetName}_${secondsAgo}`, {
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    createdAt: world.secondsAgo(secondsAgo + 60),
    stoppedAt: world.secondsAgo(secondsAgo),
    tags: [],
    ...changes,
  });
}

/** A task that AWS could not start. */
export const failedToStart = (stoppedReason: string) => ({ stopCode: "TaskFailedToStart" as const, stoppedReason });

/** One thing that is wrong, and the finding about it. */
export interface Case {
  readonly what: string;
  readonly kind?: WorldKind;
  readonly make: (world: DeskWorld) => void;
  readonly id: string;
  readonly severity?: "error" | "warning";
  /** In the evidence or the advice. */
  readonly says: RegExp;
}

/** Tries that the doctor finds each of them. */
export function findsEach(cases: readonly Case[]): void {
  closeDesks();
  it.each(cases)("finds $what", async ({ kind = "tasks", make, id, severity = "error", says }) => {
    const { code, findings } = await diagnosed(kind, make);
    const found = findings.filter((finding) => finding.id === id);
    expect(found, JSON.stringify(findings)).toHaveLength(1);
    expect(found[0]).toMatchObject({ severity });
    expect([...(found[0]?.evidence ?? []), found[0]?.todo].join("\n")).toMatch(says);
    expect(code).toBe(severity === "error" ? 1 : 0);
    // One cause makes one finding: whatever else it shows must be another truth about the same trouble.
    expect(findings.length).toBeLessThanOrEqual(3);
  });
}
