import * as z from "zod";
import { hmacSha256Proof } from "../../core/signature.ts";
import { ignored, malformed, parseJson, type WebhookVendor, type WebhookVendorDeps } from "../../core/webhook.ts";
import { webhookPath } from "../../settings/vendors/spacelift.ts";

/**
 * States of runs that ask for no worker: one is at work, a person is to act, or the run is over. All others wake the
 * loop, also those that Spacelift adds later. https://docs.spacelift.io/concepts/run has the list.
 */
export const askForNoWorker: ReadonlySet<string> = new Set([
  ...["PREPARING", "INITIALIZING", "PLANNING", "PREPARING_REPLAN"],
  ...["PREPARING_APPLY", "APPLYING", "PERFORMING", "DESTROYING"],
  ...["UNCONFIRMED", "PENDING_REVIEW"],
  ...["FINISHED", "FAILED", "CANCELED", "DISCARDED", "STOPPED", "SKIPPED", "NONE"],
]);

/** The loop looks every minute, so older messages tell it nothing. They may have been sent again by somebody else. */
const oldMilliseconds = 5 * 60_000;

const message = z.looseObject({});
const runMessage = z.looseObject({
  state: z.string(),
  /** Unix time of the change, in seconds. */
  timestamp: z.number(),
});

/**
 * The messages of Spacelift: default payloads of webhooks, https://docs.spacelift.io/integrations/webhooks. They name no
 * worker pool, so every run that asks for a worker wakes the loop. Those about errors and modules have no run's state.
 */
export function createSpaceliftWebhook({ clock, log }: WebhookVendorDeps): WebhookVendor {
  return [
    {
      path: webhookPath,
      proof: ({ body, headers }) => hmacSha256Proof(body, headers["x-signature-256"]),
      async receive(request) {
        const parsed = message.safeParse(parseJson(request));
        if (!parsed.success) return malformed;
        if (parsed.data.state === undefined) return ignored;
        const { data: run } = runMessage.safeParse(parsed.data);
        if (run === undefined) return malformed;
        if (askForNoWorker.has(run.state)) return ignored;
        const age = clock.now().getTime() - run.timestamp * 1000;
        if (age > oldMilliseconds) {
          log.info("message is too old to wake the loop", { ageSeconds: Math.round(age / 1000) });
          return ignored;
        }
        return { status: 200, seenRuns: [], wake: true };
      },
    },
  ];
}
