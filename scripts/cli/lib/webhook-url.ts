import { isProtected } from "../../../handlers/lib/core/address.ts";
import { UserError } from "./errors.ts";

/** The URL of a fleet's webhook, the last argument of a command. Throws unless it is an https URL. */
export function webhookUrl(text: string): string {
  if (URL.canParse(text) && isProtected(new URL(text))) return text;
  throw new UserError(
    `The last argument must be the webhook's https URL, found "${text}".`,
    "Give the stack's output webhook_url; --help shows what comes before it.",
  );
}
