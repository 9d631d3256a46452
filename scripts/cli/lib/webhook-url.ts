import { isProtected } from "../../../handlers/lib/core/address.ts";
import { UserError } from "./errors.ts";

/**
 * The URL of a fleet's webhook, the last argument of a command. Throws unless it is an https URL, and for the stack's
 * other URL, which answers run tasks alone.
 */
export function webhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && isProtected(url) && !url.pathname.endsWith("/run-task")) return text;
  throw new UserError(
    `The last argument must be the webhook's https URL, found "${text}".`,
    "Give the stack's output webhook_url; --help shows what comes before it.",
  );
}
