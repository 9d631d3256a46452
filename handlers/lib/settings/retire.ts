import * as z from "zod";
import { commaSeparated, json } from "../core/env.ts";
import { outboundSettings } from "./outbound.ts";

/** The environment of the retire Lambda. The stack encodes it, and the Lambda decodes it at cold start. */
export const retireEnv = z.object({
  FLEET: z.string(),
  /** Only for a vendor behind a certificate authority or a proxy of the user's. */
  OUTBOUND: json(outboundSettings).optional(),
  /** Table with a row of settings for each pool. */
  SETTINGS_TABLE: z.string(),
  /** ARN of the vendor's API credential; left out if the vendor needs none. */
  API_TOKEN_SECRET_ARN: z.string().optional(),
  /** Names of the fleet's Auto Scaling groups; left out if agents run in containers. */
  GROUP: commaSeparated.optional(),
});
