import { createHmac } from "node:crypto";

/** The states of runs, from "Full List of Potential Run States" in docs.spacelift.io/concepts/run. */
export const runStates = {
  /** A worker is to come for the run, or the run waits in line for one. `PENDING` is deprecated. */
  waiting: ["QUEUED", "READY", "CONFIRMED", "REPLAN_REQUESTED", "PENDING"],
  /** A worker is at it. */
  atWork: [
    "PREPARING",
    "INITIALIZING",
    "PLANNING",
    "PREPARING_APPLY",
    "APPLYING",
    "PERFORMING",
    "DESTROYING",
    "PREPARING_REPLAN",
  ],
  /** A person is to act. */
  withPerson: ["UNCONFIRMED", "PENDING_REVIEW"],
  over: ["FINISHED", "FAILED", "CANCELED", "DISCARDED", "STOPPED", "SKIPPED", "NONE"],
} as const;

/**
 * The default message about a run, as docs.spacelift.io/integrations/webhooks shows it. It names no worker pool.
 *
 * @param seconds Unix time of the change
 */
export function runMessage(state: string, seconds: number) {
  return {
    account: "acme",
    state,
    stateVersion: 1,
    timestamp: seconds,
    run: {
      id: "01TESTRUN00000000000000001",
      branch: "main",
      commit: { authorLogin: "canary-person", hash: "0".repeat(40), message: "canary-message", timestamp: seconds },
      createdAt: seconds,
      driftDetection: false,
      triggeredBy: "canary-person",
      type: "TRACKED",
    },
    stack: { id: "network", name: "canary-stack", description: "", labels: [] },
  };
}

/** The message about an error inside Spacelift, from the same page. It has no run and no time. */
export const internalError = {
  title: "Invalid Stack Slug Triggered",
  body: "canary-message",
  error: "policy triggered for Stack that doesn't exist",
  severity: "ERROR",
  account: "acme",
};

/**
 * The headers of a message: hex HMACs of the raw body after the name of the hash, "the exact same mechanism as GitHub".
 * Without a secret Spacelift signs nothing (assumed).
 */
export function signatureHeaders(body: string | Buffer, secret: string): Record<string, string> {
  const hmac = (hash: string) => `${hash}=${createHmac(hash, secret).update(body).digest("hex")}`;
  return { "X-Signature": hmac("sha1"), "X-Signature-256": hmac("sha256") };
}
